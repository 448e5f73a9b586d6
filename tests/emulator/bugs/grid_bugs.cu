// Blocks that should wait for each other.

#include "planted.h"

#include <gpu_grid.cuh>

namespace planted {
namespace {

constexpr unsigned kGrid = 8, kBlock = 64;

// What a block gives, and takes from the next one.
__device__ void give(const float* x, float* y) {
  y[blockIdx.x * kBlock + threadIdx.x] = x[blockIdx.x * kBlock + threadIdx.x];
}
__device__ void take(float* y) {
  const unsigned other = (blockIdx.x + 1) % kGrid * kBlock + threadIdx.x;
  y[kGrid * kBlock + blockIdx.x * kBlock + threadIdx.x] = y[other];
}

__global__ void missing_grid_barrier_kernel(const float* x, float* y) {
  give(x, y);
  __syncthreads();
  take(y);
}

__global__ void grid_barrier_kernel(const float* x, float* y) {
  give(x, y);
  gpu::sync_grid();
  take(y);
}

// The second round writes what a neighbour may still read.
__global__ void missing_second_grid_barrier_kernel(const float* x, float* y) {
  for (int round = 0; round < 2; ++round) {
    y[blockIdx.x * kBlock + threadIdx.x] = x[blockIdx.x * kBlock + threadIdx.x] + float(round);
    gpu::sync_grid();
    take(y);
  }
}

__global__ void block_leaves_kernel(const float* x, float* y, unsigned blocks) {
  if (blockIdx.x >= blocks) return;
  give(x, y);
  gpu::sync_grid();
  take(y);
}

__global__ void thread_leaves_kernel(const float* x, float* y, unsigned threads) {
  if (threadIdx.x >= threads) return;
  give(x, y);
  gpu::sync_grid();
  take(y);
}

__global__ void barriers_at_two_lines_kernel(const float* x, float* y) {
  give(x, y);
  if (blockIdx.x % 2)
    gpu::sync_grid();
  else
    gpu::sync_grid();
  take(y);
}

__global__ void two_kinds_of_barrier_kernel(const float* x, float* y) {
  give(x, y);
  if (threadIdx.x < kBlock / 2)
    gpu::sync_grid();
  else
    __syncthreads();
  take(y);
}

void expect_taken(const Data& data) {
  const std::vector<float> got = data.result();
  for (unsigned b = 0; b < kGrid; ++b)
    for (unsigned t = 0; t < kBlock; ++t)
      expect(got[(kGrid + b) * kBlock + t] == data.values[(b + 1) % kGrid * kBlock + t]);
}

template <class Kernel, class... Arguments>
void run(const Data& data, Kernel kernel, Arguments... arguments) {
  must(gpu::launch_cooperative(kernel, {.grid = kGrid, .block = kBlock}, data.x, data.y, arguments...));
  expect_taken(data);
}

void ordinary_launch(Data& data) {
  must(gpu::launch(grid_barrier_kernel, {.grid = kGrid, .block = kBlock}, data.x, data.y));
  expect_taken(data);
}

void second_round(Data& data) {
  must(gpu::launch_cooperative(missing_second_grid_barrier_kernel, {.grid = kGrid, .block = kBlock}, data.x,
                               data.y));
  data.result();
}

void too_many_blocks(Data& data) {
  must(gpu::launch_cooperative(grid_barrier_kernel, {.grid = 1 << 20, .block = kBlock}, data.x, data.y));
}

}  // namespace

std::vector<Bug> grid_bugs() {
  return {
      {"missing_grid_barrier", [](Data& d) { run(d, missing_grid_barrier_kernel); }},
      {"missing_second_grid_barrier", second_round},
      {"block_leaves_before_grid_barrier", [](Data& d) { run(d, block_leaves_kernel, kGrid - 1); }},
      {"thread_leaves_before_grid_barrier", [](Data& d) { run(d, thread_leaves_kernel, 60u); }},
      {"grid_barriers_at_two_lines", [](Data& d) { run(d, barriers_at_two_lines_kernel); }},
      {"grid_barrier_and_block_barrier", [](Data& d) { run(d, two_kinds_of_barrier_kernel); }},
      {"grid_barrier_in_ordinary_launch", ordinary_launch},
      {"grid_does_not_fit", too_many_blocks},
  };
}

}  // namespace planted
