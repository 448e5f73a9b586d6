#pragma once

// Merging one value of each thread, for values of any trivial type: by shuffles within a warp, through shared
// memory between warps. The order depends on the number of threads only, so results are the same bits on
// every run. `merge(a, b)` takes values by value and must be associative up to rounding.

#include <kiln/kernels/base/cuda/gpu.cuh>

#include <type_traits>

namespace kiln::kernels {

inline constexpr int kWarp = 32;

// A value as the widest words that it is made of.
template <class V>
struct WordsOf {
  static_assert(std::is_trivially_copyable_v<V> && sizeof(V) % 4 == 0);
  using Word = std::conditional_t<sizeof(V) % 8 == 0, unsigned long long, unsigned>;
  static constexpr int kCount = int(sizeof(V) / sizeof(Word));
  Word at[kCount];
};

// The value of the lane whose number differs in the bits of `lanes`. V is a multiple of 4 bytes.
template <class V>
__device__ __forceinline__ V shuffle_xor(const V& value, int lanes) {
  auto words = __builtin_bit_cast(WordsOf<V>, value);
#pragma unroll
  for (auto& word : words.at) word = __shfl_xor_sync(gpu::kFullWarp, word, lanes);
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
  // Word by word, so that the threads of a warp lie in different banks.
  using Words = WordsOf<V>;
  auto& values = gpu::shared<typename Words::Word[Words::kCount][kThreads], struct ColumnReduce>();
  const unsigned own = threadIdx.y * blockDim.x + threadIdx.x;
  const auto words = __builtin_bit_cast(Words, value);
  __syncthreads();
#pragma unroll
  for (int w = 0; w < Words::kCount; ++w) values[w][own] = words.at[w];
  __syncthreads();
  if (threadIdx.y == 0)
    for (unsigned i = 1; i < blockDim.y; ++i) {
      Words other;
#pragma unroll
      for (int w = 0; w < Words::kCount; ++w) other.at[w] = values[w][i * blockDim.x + threadIdx.x];
      value = merge(value, __builtin_bit_cast(V, other));
    }
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
