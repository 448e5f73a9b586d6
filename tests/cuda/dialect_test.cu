#include <kiln/kernels/base/cuda/gpu.cuh>

#include <numeric>

#include "device_buffer.h"

namespace gpu = kiln::gpu;

namespace {

constexpr int kThreads = 256, kTile = 32, kTileRows = 8;

__global__ void __launch_bounds__(kThreads) scale_kernel(const float* x, float* y, float a, int64_t n) {
  using Pack = gpu::Pack<float, 4>;
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x, packs = n / Pack::size;
  if (i < packs) {
    Pack v = gpu::load(reinterpret_cast<const Pack*>(x) + i);
#pragma unroll
    for (int k = 0; k < Pack::size; ++k) v[k] *= a;
    gpu::store(reinterpret_cast<Pack*>(y) + i, v);
  }
  if (i < n - packs * Pack::size) y[packs * Pack::size + i] = a * x[packs * Pack::size + i];
}

__device__ __forceinline__ float warp_sum(float v) {
#pragma unroll
  for (int step = 16; step; step >>= 1) v += __shfl_xor_sync(gpu::kFullWarp, v, step);
  return v;
}

__global__ void block_sum_kernel(const float* x, float* sums, int64_t n) {
  auto& partial = gpu::shared<float[32]>();
  float v = 0;
  for (int64_t i = threadIdx.x; i < n; i += blockDim.x) v += x[int64_t(blockIdx.x) * n + i];
  v = warp_sum(v);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = v;
  __syncthreads();
  if (threadIdx.x < 32) {
    v = warp_sum(threadIdx.x < blockDim.x / 32 ? partial[threadIdx.x] : 0.0f);
    if (threadIdx.x == 0) sums[blockIdx.x] = v;
  }
}

template <class T>
__global__ void transpose_kernel(const T* x, T* y, int rows, int columns) {
  auto& tile = gpu::shared<T[kTile][kTile + 1]>();
  int column = blockIdx.x * kTile + threadIdx.x;
  for (int j = threadIdx.y; j < kTile; j += kTileRows) {
    const int row = blockIdx.y * kTile + j;
    if (row < rows && column < columns) tile[j][threadIdx.x] = x[int64_t(row) * columns + column];
  }
  __syncthreads();
  column = blockIdx.y * kTile + threadIdx.x;
  for (int j = threadIdx.y; j < kTile; j += kTileRows) {
    const int row = blockIdx.x * kTile + j;
    if (row < columns && column < rows) y[int64_t(row) * rows + column] = tile[threadIdx.x][j];
  }
}

__global__ void histogram_kernel(const int* x, int* counts, int n, int bins) {
  int* local = gpu::dynamic_shared<int>();
  for (int i = threadIdx.x; i < bins; i += blockDim.x) local[i] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
    atomicAdd(&local[x[i]], 1);
  __syncthreads();
  for (int i = threadIdx.x; i < bins; i += blockDim.x) atomicAdd(&counts[i], local[i]);
}

__global__ void two_arrays_kernel(int* y) {
  auto& a = gpu::shared<int[64]>();
  auto& b = gpu::shared<int[64], struct Second>();
  a[threadIdx.x] = int(threadIdx.x);
  b[threadIdx.x] = -int(threadIdx.x);
  __syncthreads();
  y[threadIdx.x] = a[63 - threadIdx.x] + 1000 * b[threadIdx.x];
}

__global__ void votes_kernel(unsigned* y) {
  const unsigned lane = threadIdx.x % 32;
  y[threadIdx.x * 4] = __ballot_sync(gpu::kFullWarp, lane % 3 == 0);
  y[threadIdx.x * 4 + 1] = __shfl_up_sync(gpu::kFullWarp, lane, 2, 8);
  y[threadIdx.x * 4 + 2] = __shfl_down_sync(gpu::kFullWarp, lane, 3);
  y[threadIdx.x * 4 + 3] = unsigned(__syncthreads_count(threadIdx.x < 5));
}

__global__ void halves_kernel(const __half* x, __nv_bfloat16* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = __float2bfloat16(__half2float(x[i]) * 2.0f);
}

std::vector<float> iota(size_t n) {
  std::vector<float> v(n);
  std::iota(v.begin(), v.end(), 0.0f);
  return v;
}

}  // namespace

TEST_CASE("kernels on the device: packs and a tail") {
  for (const int n : {1, 3, 4, 1000, 1023, 4096}) {
    DeviceBuffer<float> x(iota(size_t(n))), y(std::vector<float>(size_t(n + 1), -1));
    const unsigned blocks = unsigned(n / 4 + kThreads) / kThreads;
    REQUIRE(gpu::launch(scale_kernel, {.grid = blocks, .block = kThreads}, x.data, y.data, 3, n) ==
            cudaSuccess);
    const std::vector<float> got = y.values();
    for (int i = 0; i < n; ++i) REQUIRE(got[size_t(i)] == 3.0f * float(i));
    CHECK(got[size_t(n)] == -1);
  }
}

TEST_CASE("kernels on the device: shuffles and shared memory") {
  constexpr int kRows = 37, kColumns = 1000;
  DeviceBuffer<float> x(std::vector<float>(kRows * kColumns, 0.5f)), sums(kRows);
  REQUIRE(gpu::launch(block_sum_kernel, {.grid = kRows, .block = kThreads}, x.data, sums.data, kColumns) ==
          cudaSuccess);
  for (const float sum : sums.values()) CHECK(sum == 0.5f * kColumns);
}

TEST_CASE("kernels on the device: a tile in two dimensions, of two types") {
  constexpr int kRows = 70, kColumns = 45;
  const dim3 grid(2, 3), block(kTile, kTileRows);
  DeviceBuffer<float> x(iota(kRows * kColumns)), y(kRows * kColumns);
  REQUIRE(gpu::launch(transpose_kernel<float>, {.grid = grid, .block = block}, x.data, y.data, kRows,
                      kColumns) == cudaSuccess);
  const std::vector<float> got = y.values();
  for (int r = 0; r < kRows; ++r)
    for (int c = 0; c < kColumns; ++c) REQUIRE(got[size_t(c * kRows + r)] == float(r * kColumns + c));

  DeviceBuffer<double> x64(std::vector<double>(kRows * kColumns, 2.5)), y64(kRows * kColumns);
  REQUIRE(gpu::launch(transpose_kernel<double>, {.grid = grid, .block = block}, x64.data, y64.data, kRows,
                      kColumns) == cudaSuccess);
  for (const double v : y64.values()) REQUIRE(v == 2.5);
}

TEST_CASE("kernels on the device: dynamic shared memory, beyond 48 KiB too") {
  for (const int bins : {10, 20000}) {
    constexpr int kCount = 5000;
    std::vector<int> values(kCount);
    for (int i = 0; i < kCount; ++i) values[size_t(i)] = i % bins;
    DeviceBuffer<int> x(values), counts(std::vector<int>(size_t(bins), 0));
    const gpu::Launch at{.grid = 3, .block = kThreads, .shared_bytes = size_t(bins) * sizeof(int)};
    REQUIRE(gpu::launch(histogram_kernel, at, x.data, counts.data, kCount, bins) == cudaSuccess);
    const std::vector<int> got = counts.values();
    for (int b = 0; b < bins; ++b) REQUIRE(got[size_t(b)] == kCount / bins + (b < kCount % bins));
  }
}

TEST_CASE("kernels on the device: two shared arrays of one type") {
  DeviceBuffer<int> y(64);
  REQUIRE(gpu::launch(two_arrays_kernel, {.block = 64}, y.data) == cudaSuccess);
  const std::vector<int> got = y.values();
  for (int i = 0; i < 64; ++i) REQUIRE(got[size_t(i)] == 63 - i - 1000 * i);
}

TEST_CASE("kernels on the device: votes and segments") {
  DeviceBuffer<unsigned> y(64 * 4);
  REQUIRE(gpu::launch(votes_kernel, {.block = 64}, y.data) == cudaSuccess);
  const std::vector<unsigned> got = y.values();
  for (unsigned t = 0; t < 64; ++t) {
    const unsigned lane = t % 32;
    REQUIRE(got[t * 4] == 0x49249249u);
    REQUIRE(got[t * 4 + 1] == (lane % 8 < 2 ? lane : lane - 2));
    REQUIRE(got[t * 4 + 2] == (lane + 3 > 31 ? lane : lane + 3));
    REQUIRE(got[t * 4 + 3] == 5);
  }
}

TEST_CASE("kernels on the device: half types") {
  std::vector<__half> values;
  for (int i = 0; i < 100; ++i) values.push_back(__float2half(float(i)));
  DeviceBuffer<__half> x(values);
  DeviceBuffer<__nv_bfloat16> y(values.size());
  REQUIRE(gpu::launch(halves_kernel, {.grid = 1, .block = 128}, x.data, y.data, 100) == cudaSuccess);
  const std::vector<__nv_bfloat16> got = y.values();
  for (int i = 0; i < 100; ++i) REQUIRE(__bfloat162float(got[size_t(i)]) == 2.0f * float(i));
}
