#include <kiln/kernels/base/cuda/gpu.cuh>

#include <cstring>
#include <numeric>

#include "counters.h"
#include "cuda/device_buffer.h"

namespace gpu = kiln::gpu;
namespace emulated = kiln::emulated;

namespace {

constexpr int kCount = 1000;

__global__ void add_kernel(float* y, float a, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] += a;
}

__global__ void multiply_kernel(const float* x, float* y, float a, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] = x[i] * a;
}

cudaError_t add(cudaStream_t stream, float* y, float a) {
  return gpu::launch(add_kernel, {.grid = 4, .block = 256, .stream = stream}, y, a, kCount);
}
cudaError_t multiply(cudaStream_t stream, const float* x, float* y, float a) {
  return gpu::launch(multiply_kernel, {.grid = 4, .block = 256, .stream = stream}, x, y, a, kCount);
}

struct TestStream {
  cudaStream_t handle = nullptr;
  TestStream() { REQUIRE(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking) == cudaSuccess); }
  TestStream(const TestStream&) = delete;
  TestStream& operator=(const TestStream&) = delete;
  ~TestStream() { cudaStreamDestroy(handle); }
};

struct TestEvent {
  cudaEvent_t handle = nullptr;
  TestEvent() { REQUIRE(cudaEventCreate(&handle) == cudaSuccess); }
  TestEvent(const TestEvent&) = delete;
  TestEvent& operator=(const TestEvent&) = delete;
  ~TestEvent() { cudaEventDestroy(handle); }
};

const std::vector<float> kZeros(kCount, 0.0f);

}  // namespace

TEST_CASE("streams: work waits until somebody waits for it") {
  TestStream stream;
  float* pinned = nullptr;
  REQUIRE(cudaMallocHost(reinterpret_cast<void**>(&pinned), sizeof(float)) == cudaSuccess);
  DeviceBuffer<float> x(kZeros);
  REQUIRE(add(stream.handle, x.data, 7) == cudaSuccess);
  *pinned = -1;
  REQUIRE(cudaMemcpyAsync(pinned, x.data, sizeof(float), cudaMemcpyDeviceToHost, stream.handle) ==
          cudaSuccess);
  CHECK(*pinned == -1);
  CHECK(cudaStreamQuery(stream.handle) == cudaErrorNotReady);
  REQUIRE(cudaStreamSynchronize(stream.handle) == cudaSuccess);
  CHECK(*pinned == 7);
  CHECK(cudaStreamQuery(stream.handle) == cudaSuccess);
  CHECK(cudaFreeHost(pinned) == cudaSuccess);
}

TEST_CASE("streams: an event orders two of them, whatever runs first") {
  for (int repeat = 0; repeat < 50; ++repeat) {
    TestStream first, second;
    TestEvent event, end;
    DeviceBuffer<float> x(kZeros), y(kZeros);
    REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
    REQUIRE(add(first.handle, x.data, 3) == cudaSuccess);
    REQUIRE(cudaEventRecord(event.handle, first.handle) == cudaSuccess);
    REQUIRE(cudaStreamWaitEvent(second.handle, event.handle, 0) == cudaSuccess);
    REQUIRE(multiply(second.handle, x.data, y.data, 2) == cudaSuccess);
    REQUIRE(cudaEventRecord(end.handle, second.handle) == cudaSuccess);
    CHECK(cudaEventQuery(end.handle) == cudaErrorNotReady);
    REQUIRE(cudaEventSynchronize(end.handle) == cudaSuccess);
    float ms = -1;
    REQUIRE(cudaEventElapsedTime(&ms, event.handle, end.handle) == cudaSuccess);
    CHECK(ms >= 0);
    REQUIRE(y.values()[0] == 6);
  }
}

TEST_CASE("streams: without the event some order is wrong") {
  int wrong = 0;
  for (int repeat = 0; repeat < 50; ++repeat) {
    TestStream first, second;
    DeviceBuffer<float> x(kZeros), y(kZeros);
    REQUIRE(add(first.handle, x.data, 3) == cudaSuccess);
    REQUIRE(multiply(second.handle, x.data, y.data, 2) == cudaSuccess);
    REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
    wrong += y.values()[0] != 6;
  }
  CHECK(wrong > 5);
  CHECK(wrong < 45);
}

TEST_CASE("graphs: captured once, launched often, one launch each") {
  TestStream stream;
  DeviceBuffer<float> x(kZeros), y(kZeros);
  REQUIRE(cudaStreamBeginCapture(stream.handle, cudaStreamCaptureModeGlobal) == cudaSuccess);
  REQUIRE(add(stream.handle, x.data, 1) == cudaSuccess);
  REQUIRE(multiply(stream.handle, x.data, y.data, 10) == cudaSuccess);
  REQUIRE(cudaMemsetAsync(y.data, 0, sizeof(float), stream.handle) == cudaSuccess);
  cudaStreamCaptureStatus status{};
  REQUIRE(cudaStreamIsCapturing(stream.handle, &status) == cudaSuccess);
  CHECK(status == cudaStreamCaptureStatusActive);
  cudaGraph_t graph = nullptr;
  REQUIRE(cudaStreamEndCapture(stream.handle, &graph) == cudaSuccess);
  CHECK(x.values()[0] == 0);
  size_t nodes = 0;
  REQUIRE(cudaGraphGetNodes(graph, nullptr, &nodes) == cudaSuccess);
  CHECK(nodes == 3);

  cudaGraphExec_t executable = nullptr;
  REQUIRE(cudaGraphInstantiate(&executable, graph, 0) == cudaSuccess);
  REQUIRE(cudaGraphDestroy(graph) == cudaSuccess);
  emulated::reset_counters();
  for (int i = 0; i < 5; ++i) REQUIRE(cudaGraphLaunch(executable, stream.handle) == cudaSuccess);
  REQUIRE(cudaStreamSynchronize(stream.handle) == cudaSuccess);
  CHECK(emulated::counters().launches == 5);
  CHECK(emulated::counters().kernels == 10);
  CHECK(emulated::counters().synchronizations == 1);
  CHECK(emulated::counters().allocations == 0);
  const std::vector<float> got = y.values();
  CHECK(got[0] == 0);
  CHECK(got[1] == 50);
  CHECK(cudaGraphExecDestroy(executable) == cudaSuccess);
}

TEST_CASE("graphs: a second stream joins and must come back") {
  TestStream origin, side;
  TestEvent fork, join;
  DeviceBuffer<float> x(kZeros), y(kZeros);
  for (const bool comes_back : {true, false}) {
    REQUIRE(cudaStreamBeginCapture(origin.handle, cudaStreamCaptureModeGlobal) == cudaSuccess);
    REQUIRE(add(origin.handle, x.data, 1) == cudaSuccess);
    REQUIRE(cudaEventRecord(fork.handle, origin.handle) == cudaSuccess);
    REQUIRE(cudaStreamWaitEvent(side.handle, fork.handle, 0) == cudaSuccess);
    REQUIRE(multiply(side.handle, x.data, y.data, 2) == cudaSuccess);
    REQUIRE(cudaEventRecord(join.handle, side.handle) == cudaSuccess);
    if (comes_back) REQUIRE(cudaStreamWaitEvent(origin.handle, join.handle, 0) == cudaSuccess);
    cudaGraph_t graph = nullptr;
    const cudaError_t error = cudaStreamEndCapture(origin.handle, &graph);
    CHECK(error == (comes_back ? cudaSuccess : cudaErrorStreamCaptureUnjoined));
    if (graph) CHECK(cudaGraphDestroy(graph) == cudaSuccess);
  }
  CHECK(cudaGetLastError() == cudaErrorStreamCaptureUnjoined);
}

TEST_CASE("graphs: what cannot be captured ends the capture") {
  TestStream stream;
  DeviceBuffer<float> x(kZeros);
  std::vector<float> host(kCount);
  void* p = nullptr;
  const auto attempt = [&](int which) {
    switch (which) {
      case 0:
        return cudaMalloc(&p, 100);
      case 1:
        return cudaStreamSynchronize(stream.handle);
      case 2:
        return cudaDeviceSynchronize();
      case 3:
        return cudaMemcpyAsync(host.data(), x.data, 4, cudaMemcpyDeviceToHost, stream.handle);
      default:
        return cudaMemcpy(host.data(), x.data, 4, cudaMemcpyDeviceToHost);
    }
  };
  for (int which = 0; which < 5; ++which) {
    REQUIRE(cudaStreamBeginCapture(stream.handle, cudaStreamCaptureModeGlobal) == cudaSuccess);
    CHECK(attempt(which) == cudaErrorStreamCaptureUnsupported);
    CHECK(add(stream.handle, x.data, 1) == cudaErrorStreamCaptureInvalidated);
    cudaGraph_t graph = nullptr;
    CHECK(cudaStreamEndCapture(stream.handle, &graph) == cudaErrorStreamCaptureInvalidated);
  }
  CHECK(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal) == cudaErrorStreamCaptureUnsupported);
  CHECK(cudaGetLastError() == cudaErrorStreamCaptureUnsupported);
  CHECK(cudaGetLastError() == cudaSuccess);
}

TEST_CASE("memory in stream order") {
  TestStream stream;
  void* p = nullptr;
  REQUIRE(cudaMallocAsync(&p, kCount * sizeof(float), stream.handle) == cudaSuccess);
  REQUIRE(cudaMemsetAsync(p, 0, kCount * sizeof(float), stream.handle) == cudaSuccess);
  REQUIRE(add(stream.handle, static_cast<float*>(p), 4) == cudaSuccess);
  float result = 0;
  REQUIRE(cudaFreeAsync(p, stream.handle) == cudaSuccess);
  CHECK(cudaStreamSynchronize(stream.handle) == cudaSuccess);
  CHECK(cudaMemcpy(&result, p, sizeof result, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  cudaGetLastError();
}
