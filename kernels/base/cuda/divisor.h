#pragma once

#include <cstdint>

namespace kiln::kernels {

// Division by a number that is known before the kernel starts, as a multiplication and a shift (Granlund and
// Montgomery, "Division by invariant integers using multiplication", 1994).
struct Divisor {
  uint32_t value = 1, factor = 1, shift = 0;

  constexpr Divisor() = default;
  // 1 <= value < 2^31.
  constexpr explicit Divisor(uint32_t divisor) : value(divisor) {
    while (shift < 31 && (uint32_t(1) << shift) < divisor) ++shift;
    factor = uint32_t((uint64_t(1) << 32) * ((uint64_t(1) << shift) - divisor) / divisor + 1);
  }

  // n / value, rounded down, for n < 2^31.
  constexpr uint32_t divide(uint32_t n) const { return (uint32_t(uint64_t(n) * factor >> 32) + n) >> shift; }
};

}  // namespace kiln::kernels
