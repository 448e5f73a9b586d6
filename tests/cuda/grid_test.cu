// Cooperative launches, on a GPU or the emulated device.

#include <kiln/kernels/base/cuda/gpu.cuh>

#include <gpu_grid.cuh>

#include "device_buffer.h"

namespace gpu = kiln::gpu;

namespace {

constexpr int kThreads = 64, kRounds = 3;

// y[i] = the total of x, in each round of the blocks' own shares of the total before.
__global__ void totals_kernel(const float* x, float* partial, float* y, int n) {
  auto& kept = gpu::shared<float[kThreads]>();
  const int first = int(blockIdx.x * blockDim.x + threadIdx.x), step = int(gridDim.x * blockDim.x);
  float own = 0;
  for (int i = first; i < n; i += step) own += x[i];
  kept[threadIdx.x] = own;
  gpu::sync_grid();
  for (int round = 0; round < kRounds; ++round) {
    partial[first] = kept[kThreads - 1 - threadIdx.x];
    gpu::sync_grid();
    float total = 0;
    for (int i = 0; i < step; ++i) total += partial[i];
    kept[threadIdx.x] = total / float(step);
    y[first] = total;
    gpu::sync_grid();
  }
}

}  // namespace

TEST_CASE("kernels on the device: barriers of a grid") {
  constexpr int kCount = 1000;
  std::vector<float> values(kCount);
  for (int i = 0; i < kCount; ++i) values[size_t(i)] = float(i % 8);
  DeviceBuffer<float> x(values);
  for (const unsigned grid : {1u, 2u, 8u}) {
    const size_t threads = size_t(grid) * kThreads;
    DeviceBuffer<float> partial(threads), y(threads);
    REQUIRE(gpu::launch_cooperative(totals_kernel, {.grid = grid, .block = kThreads}, x.data, partial.data,
                                    y.data, kCount) == cudaSuccess);
    for (const float total : y.values()) REQUIRE(total == 3500);
  }
}

TEST_CASE("kernels on the device: a cooperative launch in a graph") {
  DeviceBuffer<float> x(std::vector<float>(100, 1.0f)), partial(4 * kThreads), y(4 * kThreads);
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
  REQUIRE(gpu::launch_cooperative(totals_kernel, {.grid = 4, .block = kThreads, .stream = stream}, x.data,
                                  partial.data, y.data, 100) == cudaSuccess);
  REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
  REQUIRE(cudaGraphInstantiate(&executable, graph, 0) == cudaSuccess);
  for (int i = 0; i < 2; ++i) REQUIRE(cudaGraphLaunch(executable, stream) == cudaSuccess);
  REQUIRE(cudaStreamSynchronize(stream) == cudaSuccess);
  for (const float total : y.values()) REQUIRE(total == 100);
  CHECK(cudaGraphExecDestroy(executable) == cudaSuccess);
  CHECK(cudaGraphDestroy(graph) == cudaSuccess);
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
}

TEST_CASE("kernels on the device: a grid that does not fit is an error of its launch") {
  DeviceBuffer<float> x(1);
  CHECK(gpu::launch_cooperative(totals_kernel, {.grid = 1 << 20, .block = kThreads}, x.data, x.data, x.data,
                                1) == cudaErrorCooperativeLaunchTooLarge);
  CHECK(cudaGetLastError() == cudaErrorCooperativeLaunchTooLarge);
  CHECK(cudaGetLastError() == cudaSuccess);
}
