#pragma once

// For sources of kernels only.

#include <kiln/kernels/base/cuda/element.cuh>

#include <limits>

namespace kiln::kernels {

// The larger (or smaller) of two values; NaN wins over numbers. Lanes are wide enough for shuffles.
template <class T, bool kMax>
struct Extreme {
  using Lane = std::conditional_t<(std::is_integral_v<T> && sizeof(T) < 8), int32_t, device_accumulate_t<T>>;
  using Limits = std::numeric_limits<Lane>;
  T* y;

  __device__ Lane start() const {
    if constexpr (Limits::has_infinity)
      return kMax ? -Limits::infinity() : Limits::infinity();
    else
      return kMax ? Limits::lowest() : Limits::max();
  }
  __device__ static bool beats(Lane a, Lane b) { return kMax ? a > b : a < b; }
  __device__ Lane add(Lane a, T x, int64_t) const { return merge(a, cast<Lane>(x)); }
  __device__ Lane merge(Lane a, Lane b) const { return beats(b, a) || b != b ? b : a; }
  __device__ void store(int64_t at, Lane a) const { y[at] = cast<T>(a); }
};

}  // namespace kiln::kernels
