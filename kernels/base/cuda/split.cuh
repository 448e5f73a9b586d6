#pragma once

// Positions from flat numbers, in device code.

#include <kiln/kernels/base/cuda/gpu.cuh>

namespace kiln::kernels {

struct Split {
  int64_t quotient, remainder;
};

// i / size and i % size of numbers that are not negative. In 32 bits where both fit. Else by estimates from
// below, each of which settles some 20 bits: the compiler's own 64-bit division is a call, which costs all
// kernels registers.
__device__ __forceinline__ Split split(int64_t i, int64_t size) {
  if ((uint64_t(i) | uint64_t(size)) >> 32 == 0) {
    const uint32_t quotient = uint32_t(i) / uint32_t(size);
    return {int64_t(quotient), int64_t(uint32_t(i) - quotient * uint32_t(size))};
  }
  constexpr float kBelow = 1 - 0x1p-20f;  // more than what the roundings add up to
  const float inverse = __fdividef(kBelow, float(size));
  int64_t quotient = 0;
  while (i >= size) {
    const int64_t step = max(int64_t(1), int64_t(float(i) * inverse));
    quotient += step;
    i -= step * size;
  }
  return {quotient, i};
}

}  // namespace kiln::kernels
