#pragma once

// Rows of numbers that are short (a warp each) or long (a block each): what softmax and its kin are made of.

#include <kiln/kernels/cuda/launch.cuh>

namespace kiln::kernels {

inline constexpr int kRowThreads = 256;  // of a block, whatever the group
inline constexpr int kWarpRow = 32, kBlockRow = kRowThreads;

// Longer rows get a block each. A warp walks this many with 32 coalesced loads a lane.
inline constexpr int64_t kLongestWarpRow = 1024;

// The group's row, and this thread's place in the group.
template <int kGroup>
__device__ __forceinline__ int64_t group_row() {
  return int64_t(blockIdx.x) * (kRowThreads / kGroup) + int64_t(threadIdx.x) / kGroup;
}
template <int kGroup>
__device__ __forceinline__ int group_lane() {
  return int(threadIdx.x) % kGroup;
}

// op over the group's values, the same bits in every thread; op is commutative. All threads of a group call.
template <int kGroup, class A, class Op>
__device__ __forceinline__ A group_all(A value, const Op& op) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) {
    const A other = __shfl_xor_sync(gpu::kFullWarp, value, step);
    value = op(value, other);
  }
  if constexpr (kGroup > 32) {
    auto& partial = gpu::shared<A[kGroup / 32], struct GroupAll>();
    __syncthreads();
    if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = value;
    __syncthreads();
    value = partial[0];
#pragma unroll
    for (int i = 1; i < kGroup / 32; ++i) value = op(value, partial[i]);
  }
  return value;
}

template <int kGroup, class A>
__device__ __forceinline__ A group_sum(A value) {
  return group_all<kGroup>(value, [](A a, A b) { return a + b; });
}
// NaN does not count.
template <int kGroup, class A>
__device__ __forceinline__ A group_max(A value) {
  return group_all<kGroup>(value, [](A a, A b) { return b > a ? b : a; });
}

// Calls f.operator()<kGroup>(blocks) with the group that suits rows of this length.
template <class F>
void with_row_group(int64_t rows, int64_t size, F&& f) {
  if (size <= kLongestWarpRow)
    f.template operator()<kWarpRow>(blocks_for(rows, kRowThreads / kWarpRow));
  else
    f.template operator()<kBlockRow>(blocks_for(rows, 1));
}

}  // namespace kiln::kernels
