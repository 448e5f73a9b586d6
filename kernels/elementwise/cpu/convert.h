#pragma once

#include <type_traits>

#include <kiln/tensor/dtype/dtype.h>

namespace kiln::kernels {

// One value as another type, with PyTorch's meaning: bool is "not zero", floating to integral truncates and
// wraps, integral to narrower integral wraps. Values beyond int64, and NaN, become int64's minimum first.
template <class To, class From>
inline To cast(From x) {
  constexpr bool from_half = std::is_same_v<From, Half> || std::is_same_v<From, BFloat16>;
  if constexpr (std::is_same_v<To, From>) {
    return x;
  } else if constexpr (from_half) {
    return cast<To>(float(x));
  } else if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    constexpr From limit(9223372036854775808.0);
    const bool fits = x >= -limit && x < limit;
    return To(fits ? int64_t(fits ? x : From(0)) : INT64_MIN);
  } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, BFloat16>) {
    return To(float(x));
  } else {
    return static_cast<To>(x);
  }
}

// Copies n elements between strided runs (strides in bytes), converting. The runs are the same or do not
// overlap.
using ConvertRun = void (*)(const char* from, int64_t from_stride, char* to, int64_t to_stride, int64_t n);

// The function for a pair of types. Storage-only types convert to themselves only; throws naming `op`.
ConvertRun convert_run(DType from, DType to, const char* op);

}  // namespace kiln::kernels
