// Threads that do not wait for each other, or wait apart.

#include "planted.h"

namespace planted {
namespace {

constexpr int kBlock = 256;

__global__ void missing_barrier_kernel(const float* x, float* y) {
  auto& s = gpu::shared<float[kBlock]>();
  s[threadIdx.x] = x[threadIdx.x];
  y[threadIdx.x] = s[kBlock - 1 - threadIdx.x];
}

__global__ void missing_second_barrier_kernel(const float* x, float* y) {
  auto& s = gpu::shared<float[kBlock]>();
  float sum = 0;
  for (int t = 0; t < 4; ++t) {
    s[threadIdx.x] = x[t * kBlock + threadIdx.x];
    __syncthreads();
    sum += s[kBlock - 1 - threadIdx.x];
  }
  y[threadIdx.x] = sum;
}

__global__ void divergent_barrier_kernel(const float* x, float* y) {
  auto& s = gpu::shared<float[kBlock]>();
  s[threadIdx.x] = x[threadIdx.x];
  if (threadIdx.x < kBlock / 2) {
    __syncthreads();
  } else {
    s[threadIdx.x] += 1;
    __syncthreads();
  }
  y[threadIdx.x] = s[threadIdx.x];
}

__global__ void exit_before_barrier_kernel(const float* x, float* y, int n) {
  auto& s = gpu::shared<float[kBlock]>();
  if (int(threadIdx.x) >= n) return;
  s[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = s[unsigned(n) - 1 - threadIdx.x];
}

__global__ void lock_step_kernel(const float* x, float* y) {
  auto& s = gpu::shared<float[32]>();
  s[threadIdx.x] = x[threadIdx.x];
  y[threadIdx.x] = s[31 - threadIdx.x];
}

__global__ void divergent_shuffle_kernel(const float* x, float* y) {
  float v = x[threadIdx.x];
  if (threadIdx.x % 2) v += __shfl_xor_sync(gpu::kFullWarp, v, 1);
  y[threadIdx.x] = v;
}

__global__ void shuffle_outside_mask_kernel(const float* x, float* y) {
  float v = x[threadIdx.x];
  if (threadIdx.x < 16) v += __shfl_xor_sync(0x0000ffffu, v, 16);
  y[threadIdx.x] = v;
}

__global__ void collectives_at_two_lines_kernel(const float* x, float* y) {
  float v = x[threadIdx.x];
  if (threadIdx.x < 16)
    v += __shfl_xor_sync(gpu::kFullWarp, v, 1);
  else
    v -= __shfl_xor_sync(gpu::kFullWarp, v, 1);
  y[threadIdx.x] = v;
}

__global__ void race_between_blocks_kernel(float* y) {
  if (threadIdx.x == 0) y[0] = y[0] + 1;
}

__global__ void plain_read_of_atomic_kernel(float* y) {
  auto& count = gpu::shared<int>();
  if (threadIdx.x == 0) count = 0;
  __syncthreads();
  atomicAdd(&count, 1);
  y[threadIdx.x] = count > 0 ? 1.0f : 0.0f;
}

// Scratch of a helper that does not wait before it uses it again.
__device__ float broadcast_first(float v) {
  auto& first = gpu::shared<float>();
  if (threadIdx.x == 0) first = v;
  __syncthreads();
  return first;
}
__global__ void scratch_twice_kernel(const float* x, float* y) {
  const float a = broadcast_first(x[threadIdx.x]);
  const float b = broadcast_first(x[threadIdx.x] + 1);
  y[threadIdx.x] = a - b;
}

template <class Kernel, class... Arguments>
std::vector<float> run(Data& data, Kernel kernel, unsigned grid, unsigned block, Arguments... arguments) {
  must(gpu::launch(kernel, {.grid = grid, .block = block}, arguments...));
  return data.result();
}

void expect_reversed(Data& data, const std::vector<float>& got, int n) {
  for (int i = 0; i < n; ++i) expect(got[size_t(i)] == data.values[size_t(n - 1 - i)]);
}

void loop_without_second_barrier(Data& data) {
  const std::vector<float> got = run(data, missing_second_barrier_kernel, 1, kBlock, data.x, data.y);
  for (int i = 0; i < kBlock; ++i) {
    float want = 0;
    for (int t = 0; t < 4; ++t) want += data.values[size_t(t * kBlock + kBlock - 1 - i)];
    expect(got[size_t(i)] == want);
  }
}

}  // namespace

std::vector<Bug> kernel_bugs() {
  return {
      {"missing_barrier",
       [](Data& d) { expect_reversed(d, run(d, missing_barrier_kernel, 1, kBlock, d.x, d.y), kBlock); }},
      {"missing_second_barrier", loop_without_second_barrier},
      {"divergent_barrier", [](Data& d) { run(d, divergent_barrier_kernel, 1, kBlock, d.x, d.y); }},
      {"exit_before_barrier", [](Data& d) { run(d, exit_before_barrier_kernel, 1, kBlock, d.x, d.y, 200); }},
      {"lock_step", [](Data& d) { expect_reversed(d, run(d, lock_step_kernel, 1, 32, d.x, d.y), 32); }},
      {"divergent_shuffle", [](Data& d) { run(d, divergent_shuffle_kernel, 1, 32, d.x, d.y); }},
      {"shuffle_outside_mask", [](Data& d) { run(d, shuffle_outside_mask_kernel, 1, 32, d.x, d.y); }},
      {"collectives_at_two_lines", [](Data& d) { run(d, collectives_at_two_lines_kernel, 1, 32, d.x, d.y); }},
      {"race_between_blocks",
       [](Data& d) { expect(run(d, race_between_blocks_kernel, 8, 32, d.y)[0] == 8); }},
      {"plain_read_of_atomic", [](Data& d) { run(d, plain_read_of_atomic_kernel, 1, kBlock, d.y); }},
      {"scratch_twice", [](Data& d) { run(d, scratch_twice_kernel, 1, kBlock, d.x, d.y); }},
  };
}

}  // namespace planted
