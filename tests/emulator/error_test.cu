#include <kiln/kernels/base/cuda/gpu.cuh>

#include <string>

#include "cuda/device_buffer.h"

namespace gpu = kiln::gpu;

namespace {

__global__ void write_kernel(float* y, int64_t at) { y[at + threadIdx.x] = 1; }

__global__ void dynamic_kernel(float* y) {
  float* memory = gpu::dynamic_shared<float>();
  memory[threadIdx.x] = 1;
  y[threadIdx.x] = memory[threadIdx.x];
}

__global__ void deep_kernel(int* y) {
  volatile char much[80 * 1024];
  much[threadIdx.x] = 1;
  y[threadIdx.x] = much[threadIdx.x];
}

bool mentions(cudaError_t error, const char* text) {
  return std::string(cudaGetErrorString(error)).find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("launch errors: configurations that no device takes") {
  DeviceBuffer<float> y(2048);
  const dim3 grids[] = {{0}, {1}, {1}, {1, 1, 70000}, {1}};
  const dim3 blocks[] = {{32}, {0}, {1025}, {1}, {32, 64}};
  for (int i = 0; i < 5; ++i)
    CHECK(gpu::launch(write_kernel, {.grid = grids[i], .block = blocks[i]}, y.data, 0) ==
          cudaErrorInvalidConfiguration);
  CHECK(gpu::launch(dynamic_kernel, {.shared_bytes = 300 * 1024}, y.data) == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaSuccess);
  CHECK(gpu::launch(write_kernel, {.block = 32}, y.data, 0) == cudaSuccess);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
}

TEST_CASE("a kernel's failure comes late, says where, and stays") {
  struct Row {
    int64_t at;
    const char* says;
  };
  for (const Row& row : {Row{1 << 20, "past the end of a live allocation of 400 bytes"},
                         Row{100, "was written"}, Row{-16, "before a live allocation"}}) {
    CAPTURE(row.at);
    float* y = nullptr;
    REQUIRE(cudaMalloc(reinterpret_cast<void**>(&y), 400) == cudaSuccess);
    REQUIRE(gpu::launch(write_kernel, {.block = 8}, y, row.at) == cudaSuccess);
    CHECK(cudaPeekAtLastError() == cudaSuccess);
    CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
    CAPTURE(std::string(cudaGetErrorString(cudaErrorIllegalAddress)));
    CHECK(mentions(cudaErrorIllegalAddress, row.says));
    CHECK(mentions(cudaErrorIllegalAddress, "write_kernel, launched at error_test.cu:"));
    void* p = nullptr;
    CHECK(cudaMalloc(&p, 4) == cudaErrorIllegalAddress);
    CHECK(cudaGetLastError() == cudaErrorIllegalAddress);
    CHECK(cudaGetLastError() == cudaErrorIllegalAddress);
    REQUIRE(cudaDeviceReset() == cudaSuccess);
    CHECK(cudaGetLastError() == cudaSuccess);
  }
}

TEST_CASE("a GPU thread's stack is bounded") {
  int* y = nullptr;
  REQUIRE(cudaMalloc(reinterpret_cast<void**>(&y), 400) == cudaSuccess);
  REQUIRE(gpu::launch(deep_kernel, {.block = 1}, y) == cudaSuccess);
  CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
  CHECK(mentions(cudaErrorIllegalAddress, "stack overflow"));
  REQUIRE(cudaDeviceReset() == cudaSuccess);
}

TEST_CASE("memory and device errors") {
  int device = -1, count = 0;
  CHECK(cudaGetDeviceCount(&count) == cudaSuccess);
  CHECK(cudaSetDevice(count) == cudaErrorInvalidDevice);
  CHECK(cudaGetDevice(&device) == cudaSuccess);
  CHECK(device == 0);
  void* p = nullptr;
  CHECK(cudaMalloc(&p, size_t{1} << 50) == cudaErrorMemoryAllocation);
  size_t free = 0, total = 0;
  CHECK(cudaMemGetInfo(&free, &total) == cudaSuccess);
  CHECK(free <= total);

  DeviceBuffer<float> x(100);
  float host[100] = {};
  CHECK(cudaMemcpy(host, x.data, 404, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(host, x.data, 400, cudaMemcpyHostToDevice) == cudaErrorInvalidMemcpyDirection);
  CHECK(cudaMemcpy(x.data, host, 400, cudaMemcpyDeviceToDevice) == cudaErrorInvalidMemcpyDirection);
  CHECK(cudaFree(host) == cudaErrorInvalidValue);
  CHECK(cudaFree(x.data + 1) == cudaErrorInvalidValue);
  CHECK(cudaStreamSynchronize(reinterpret_cast<cudaStream_t>(uintptr_t{0x123450})) ==
        cudaErrorInvalidResourceHandle);
  cudaPointerAttributes attributes{};
  CHECK(cudaPointerGetAttributes(&attributes, x.data + 5) == cudaSuccess);
  CHECK(attributes.type == cudaMemoryTypeDevice);
  CHECK(cudaPointerGetAttributes(&attributes, host) == cudaSuccess);
  CHECK(attributes.type == cudaMemoryTypeUnregistered);
  cudaGetLastError();
}
