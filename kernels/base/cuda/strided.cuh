#pragma once

// Walking strided operands of one shape on the device, by flat index.

#include <algorithm>

#include <kiln/kernels/base/walk.h>
#include <kiln/kernels/base/cuda/gpu.cuh>
#include <kiln/kernels/base/cuda/split.cuh>

namespace kiln::kernels {

// Index is uint32_t where all counts and byte offsets fit, else uint64_t: 64-bit division is many times
// slower.
template <int kOperands, class Index>
struct Strided {
  char* data[kOperands];
  Index count;
  int rank;
  Index sizes[kMaxRank];
  Index strides[kOperands][kMaxRank];  // in bytes

  // The elements of all operands at flat index i, in the order in which the first operand's memory is dense.
  __device__ __forceinline__ void at(Index i, char* (&p)[kOperands]) const {
#pragma unroll
    for (int k = 0; k < kOperands; ++k) p[k] = data[k];
#pragma unroll
    for (int d = kMaxRank - 1; d >= 0; --d) {
      if (d >= rank) continue;
      const Index next = d == 0 ? 0 : divided(i, sizes[d]), index = i - next * sizes[d];
#pragma unroll
      for (int k = 0; k < kOperands; ++k) p[k] += index * strides[k][d];
      i = next;
    }
  }

 private:
  __device__ __forceinline__ static Index divided(Index i, Index size) {
    if constexpr (sizeof(Index) == 8)
      return Index(split(int64_t(i), int64_t(size)).quotient);
    else
      return i / size;
  }
};

template <int kOperands, class Index>
Strided<kOperands, Index> strided_of(const Walk& walk) {
  Strided<kOperands, Index> s{};
  s.count = Index(walk.runs * walk.run);
  s.rank = walk.rank + 1;
  for (int d = 0; d < walk.rank; ++d) s.sizes[d] = Index(walk.sizes[d]);
  s.sizes[walk.rank] = Index(walk.run);
  for (int k = 0; k < kOperands; ++k) {
    s.data[k] = walk.data[k];
    for (int d = 0; d < walk.rank; ++d) s.strides[k][d] = Index(walk.strides[k][d]);
    s.strides[k][walk.rank] = Index(walk.run_strides[k]);
  }
  return s;
}

// Calls f with the walk as Strided<kOperands, uint32_t>, or with 64-bit indices where it must be.
template <int kOperands, class F>
void with_strided(const Walk& walk, F&& f) {
  int64_t reach = walk.runs * walk.run;
  for (int k = 0; k < kOperands; ++k) {
    int64_t bytes = (walk.run - 1) * walk.run_strides[k];
    for (int d = 0; d < walk.rank; ++d) bytes += (walk.sizes[d] - 1) * walk.strides[k][d];
    reach = std::max(reach, bytes);
  }
  if (reach <= INT32_MAX)
    f(strided_of<kOperands, uint32_t>(walk));
  else
    f(strided_of<kOperands, uint64_t>(walk));
}

}  // namespace kiln::kernels
