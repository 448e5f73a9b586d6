#pragma once

#include <limits>

#include <kiln/kernels/elementwise/math.h>
#include <kiln/kernels/base/cuda/element.cuh>
#include <kiln/kernels/base/cuda/row_group.cuh>

namespace kiln::kernels {

// The largest of some numbers and the sum of exp(number - largest), found in one pass (Milakov and
// Gimelshein, "Online normalizer calculation for softmax", 2018).
template <class A>
struct ExpSum {
  A largest = -std::numeric_limits<A>::infinity(), sum = 0;

  __device__ __forceinline__ void add(A x) {
    if (x > largest) {
      sum = sum * math::exp(largest - x) + (1 + (x - x));  // NaN for inf
      largest = x;
    } else {
      sum += x == largest ? A(1) : math::exp(x - largest);  // equal to be right for -inf too
    }
  }
};

// Of a row, in every thread of its group.
template <int kGroup, class T>
__device__ __forceinline__ ExpSum<device_accumulate_t<T>> exp_sum(const T* x, int64_t size) {
  using A = device_accumulate_t<T>;
  ExpSum<A> mine;
  each_pack<kGroup>(x, size, true, [&](int64_t first, auto count) {
    const auto in = load_at<count()>(x + first);
#pragma unroll
    for (int e = 0; e < count(); ++e) mine.add(cast<A>(in[e]));
  });
  ExpSum<A> all;
  all.largest = group_max<kGroup>(mine.largest);
  // A thread without numbers, or with nothing but -inf beside others, has no share; NaN stays NaN.
  const bool none = mine.largest == -std::numeric_limits<A>::infinity() && all.largest != mine.largest;
  all.sum = group_sum<kGroup>(mine.sum * (none ? A(0) : math::exp(mine.largest - all.largest)));
  return all;
}

}  // namespace kiln::kernels
