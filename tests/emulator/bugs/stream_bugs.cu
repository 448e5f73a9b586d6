// Work that is not ordered, or not captured as it should be.

#include <cstring>

#include "planted.h"

namespace planted {
namespace {

__global__ void copy_kernel(const float* x, float* y, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] = x[i];
}

void copy(cudaStream_t stream, const float* x, float* y) {
  must(gpu::launch(copy_kernel, {.grid = 4, .block = 256, .stream = stream}, x, y, kCount));
}

float* pinned() {
  float* p = nullptr;
  must(cudaMallocHost(reinterpret_cast<void**>(&p), kCount * sizeof(float)));
  return p;
}

void no_stream_sync(Data& d) {
  float* p = pinned();
  std::memset(p, 0, kCount * sizeof(float));
  must(cudaMemcpyAsync(p, d.x, kCount * sizeof(float), cudaMemcpyDeviceToHost, new_stream()));
  expect(p[7] == d.values[7]);
}

void host_overwrites_pinned(Data& d) {
  float* p = pinned();
  cudaStream_t stream = new_stream();
  std::memcpy(p, d.values.data(), kCount * sizeof(float));
  must(cudaMemcpyAsync(d.y, p, kCount * sizeof(float), cudaMemcpyHostToDevice, stream));
  std::memset(p, 0, kCount * sizeof(float));
  must(cudaStreamSynchronize(stream));
  expect(d.result()[7] == d.values[7]);
}

void no_event_wait(Data& d) {
  float* between = nullptr;
  must(cudaMalloc(reinterpret_cast<void**>(&between), kCount * sizeof(float)));
  must(cudaMemset(between, 0, kCount * sizeof(float)));
  must(cudaDeviceSynchronize());
  copy(new_stream(), d.x, between);
  copy(new_stream(), between, d.y);
  expect(d.result()[7] == d.values[7]);
}

void freed_while_used(Data& d) {
  cudaStream_t stream = new_stream();
  void* p = nullptr;
  must(cudaMallocAsync(&p, kCount * sizeof(float), stream));
  must(cudaMemsetAsync(p, 0, kCount * sizeof(float), stream));
  must(cudaStreamSynchronize(stream));
  copy(new_stream(), static_cast<float*>(p), d.y);
  must(cudaFreeAsync(p, stream));
  d.result();
}

void bad_configuration(Data& d) {
  must(gpu::launch(copy_kernel, {.grid = 4, .block = 2048}, d.x, d.y, kCount));
}

void sync_in_capture(Data& d) {
  cudaStream_t stream = new_stream();
  must(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  copy(stream, d.x, d.y);
  must(cudaStreamSynchronize(stream));
}

void unjoined_capture(Data& d) {
  cudaStream_t origin = new_stream(), side = new_stream();
  cudaEvent_t event = nullptr;
  cudaGraph_t graph = nullptr;
  must(cudaEventCreate(&event));
  must(cudaStreamBeginCapture(origin, cudaStreamCaptureModeGlobal));
  must(cudaEventRecord(event, origin));
  must(cudaStreamWaitEvent(side, event, 0));
  copy(side, d.x, d.y);
  must(cudaStreamEndCapture(origin, &graph));
}

void graph_outlives_memory(Data& d) {
  cudaStream_t stream = new_stream();
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  must(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  copy(stream, d.x, d.y);
  must(cudaStreamEndCapture(stream, &graph));
  must(cudaGraphInstantiate(&executable, graph, 0));
  must(cudaFree(d.x));
  must(cudaGraphLaunch(executable, stream));
  d.result();
}

}  // namespace

std::vector<Bug> stream_bugs() {
  return {
      {"no_stream_sync", no_stream_sync},       {"host_overwrites_pinned", host_overwrites_pinned},
      {"no_event_wait", no_event_wait},         {"freed_while_used", freed_while_used},
      {"bad_configuration", bad_configuration}, {"sync_in_capture", sync_in_capture},
      {"unjoined_capture", unjoined_capture},   {"graph_outlives_memory", graph_outlives_memory},
  };
}

}  // namespace planted
