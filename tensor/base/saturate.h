#pragma once

#include <cstdint>

// Arithmetic on sizes that somebody gave and nobody has looked at yet: what does not fit ends at the end of
// int64, which the function that uses the size refuses (C++26's functions of these names, P0543; UBSan and
// wrapped sizes otherwise).

namespace kiln {

constexpr int64_t mul_sat(int64_t a, int64_t b) {
  int64_t result = 0;
  if (!__builtin_mul_overflow(a, b, &result)) return result;
  return (a < 0) == (b < 0) ? INT64_MAX : INT64_MIN;
}

constexpr int64_t add_sat(int64_t a, int64_t b) {
  int64_t result = 0;
  if (!__builtin_add_overflow(a, b, &result)) return result;
  return a < 0 ? INT64_MIN : INT64_MAX;
}

constexpr int64_t sub_sat(int64_t a, int64_t b) {
  int64_t result = 0;
  if (!__builtin_sub_overflow(a, b, &result)) return result;
  return a < 0 ? INT64_MIN : INT64_MAX;
}

// Towards zero, as a cast; NaN is 0.
constexpr int64_t saturate_cast(double x) {
  if (x != x) return 0;
  if (x >= 0x1p63) return INT64_MAX;
  return x < -0x1p63 ? INT64_MIN : int64_t(x);
}

}  // namespace kiln
