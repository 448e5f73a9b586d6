#pragma once

// Rows of numbers that are short (a warp each) or long (a block each): what softmax and its kin are made of.

#include <kiln/kernels/base/cuda/launch.cuh>

#include <initializer_list>
#include <type_traits>

namespace kiln::kernels {

inline constexpr int kRowThreads = 256;  // of a block, whatever the group
inline constexpr int kWarpRow = 32, kBlockRow = kRowThreads;

// Blocks of an SM at least: leaves the compiler 128 registers for float64, whose own choice of fewer spills;
// 0 is its choice.
template <class T>
inline constexpr int kRowBlocks = sizeof(T) == 8 ? 2 : 0;

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

// Calls f(first, std::integral_constant<int, n>) for this thread's elements [first, first + n) of a row:
// packs of 16 bytes, aligned by the row x, and single elements before and after them. `alike`: what else f
// touches is aligned as x is.
template <int kGroup, class T, class F>
__device__ __forceinline__ void each_pack(const T* x, int64_t size, bool alike, const F& f) {
  constexpr int kPack = 16 / sizeof(T);
  const int lane = group_lane<kGroup>(), beyond = int(reinterpret_cast<uintptr_t>(x) / sizeof(T) % kPack);
  const bool wide = alike && size > kGroup;  // else one request of single elements is all
  const int64_t head = wide && beyond != 0 ? kPack - beyond : 0, packs = wide ? (size - head) / kPack : 0;
  const int64_t singles = size - packs * kPack;
  for (int64_t i = lane; i < packs; i += kGroup) f(head + i * kPack, std::integral_constant<int, kPack>());
  for (int64_t i = lane; i < singles; i += kGroup)
    f(i < head ? i : i + packs * kPack, std::integral_constant<int, 1>());
}

// Whether two rows stand alike to the packs.
__device__ __forceinline__ bool are_alike(const void* a, const void* b) {
  return ((reinterpret_cast<uintptr_t>(a) ^ reinterpret_cast<uintptr_t>(b)) & 15) == 0;
}

template <int kCount, class T>
__device__ __forceinline__ gpu::Pack<T, kCount> load_at(const T* x) {
  return gpu::load(reinterpret_cast<const gpu::Pack<T, kCount>*>(x));
}
template <class T, int kCount>
__device__ __forceinline__ void store_at(T* x, const gpu::Pack<T, kCount>& pack) {
  gpu::store(reinterpret_cast<gpu::Pack<T, kCount>*>(x), pack);
}

// A row that is read once: each thread keeps its packs in registers. For rows that keeps() allows.
template <int kGroup, class T>
struct KeptRow {
  static constexpr int kPack = 16 / int(sizeof(T)), kMost = kGroup == kWarpRow && sizeof(T) > 2 ? 8 : 4;
  gpu::Pack<T, kPack> at[kMost];

  __device__ __forceinline__ KeptRow(const T* x, int size) {
#pragma unroll
    for (int j = 0; j < kMost; ++j)
      if (first(j) < size) at[j] = load_at<kPack>(x + first(j));
  }
  // The first element of pack j.
  __device__ static int first(int j) { return (group_lane<kGroup>() + j * kGroup) * kPack; }
  // Calls f(j) for this thread's packs.
  template <class F>
  __device__ static __forceinline__ void each(int size, const F& f) {
#pragma unroll
    for (int j = 0; j < kMost; ++j)
      if (first(j) < size) f(j);
  }
};

// Whether rows of this length, one after the other at each of the addresses, are as KeptRow wants them.
template <int kGroup, class T>
bool keeps(int64_t size, std::initializer_list<const void*> addresses) {
  using Row = KeptRow<kGroup, T>;
  bool fits = size > kGroup && size % Row::kPack == 0 && size <= int64_t(kGroup) * Row::kPack * Row::kMost;
  for (const void* address : addresses) fits = fits && reinterpret_cast<uintptr_t>(address) % 16 == 0;
  return fits;
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
