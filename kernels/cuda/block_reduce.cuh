#pragma once

// Merging one value of each thread, for values of any trivial type: by shuffles within a warp, through shared
// memory between warps. The order depends on the number of threads only, so results are the same bits on
// every run. `merge(a, b)` takes values by value and must be associative up to rounding.

#include <kiln/kernels/cuda/gpu.cuh>

#include <type_traits>

namespace kiln::kernels {

inline constexpr int kWarp = 32;

// The value of the lane whose number differs in the bits of `lanes`. V is a multiple of 4 bytes.
template <class V>
__device__ __forceinline__ V shuffle_xor(const V& value, int lanes) {
  static_assert(std::is_trivially_copyable_v<V> && sizeof(V) % 4 == 0);
  using Word = std::conditional_t<sizeof(V) % 8 == 0, unsigned long long, unsigned>;
  struct Words {
    Word at[sizeof(V) / sizeof(Word)];
  };
  Words words = __builtin_bit_cast(Words, value);
#pragma unroll
  for (Word& word : words.at) word = __shfl_xor_sync(gpu::kFullWarp, word, lanes);
  return __builtin_bit_cast(V, words);
}

// The merge of the warp's values, in every lane: each lane merges the same pairs, the lower lane first. All
// 32 lanes call.
template <class V, class Merge>
__device__ __forceinline__ V warp_reduce(V value, const Merge& merge) {
  const unsigned lane = threadIdx.x % kWarp;
#pragma unroll
  for (int step = 1; step < kWarp; step *= 2) {
    const V other = shuffle_xor(value, step);
    value = lane & unsigned(step) ? merge(other, value) : merge(value, other);
  }
  return value;
}

// The merge of the values of a block of kThreads (a multiple of 32, one-dimensional), in every thread. All
// threads call; several calls in a kernel may follow each other.
template <int kThreads, class V, class Merge>
__device__ __forceinline__ V block_reduce(V value, const Merge& merge) {
  static_assert(kThreads % kWarp == 0 && kThreads <= 1024);
  value = warp_reduce(value, merge);
  if constexpr (kThreads > kWarp) {
    auto& partial = gpu::shared<V[kThreads / kWarp], struct BlockReduce>();
    __syncthreads();
    if (threadIdx.x % kWarp == 0) partial[threadIdx.x / kWarp] = value;
    __syncthreads();
    value = partial[0];
#pragma unroll
    for (int i = 1; i < kThreads / kWarp; ++i) value = merge(value, partial[i]);
  }
  return value;
}

// For a two-dimensional block of kThreads: the merge of each column (threads of one threadIdx.x), in its row
// 0. All threads call; several calls may follow each other.
template <int kThreads, class V, class Merge>
__device__ __forceinline__ V column_reduce(V value, const Merge& merge) {
  auto& values = gpu::shared<V[kThreads], struct ColumnReduce>();
  __syncthreads();
  values[threadIdx.y * blockDim.x + threadIdx.x] = value;
  __syncthreads();
  if (threadIdx.y == 0)
    for (unsigned i = 1; i < blockDim.y; ++i) value = merge(value, values[i * blockDim.x + threadIdx.x]);
  return value;
}

// The plus of block_reduce.
struct Plus {
  template <class V>
  __device__ __forceinline__ V operator()(V a, V b) const {
    return a + b;
  }
};

}  // namespace kiln::kernels
