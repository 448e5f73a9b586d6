#pragma once

// Positions from flat numbers, in device code.

#include <kiln/kernels/cuda/gpu.cuh>

namespace kiln::kernels {

struct Split {
  int64_t quotient, remainder;
};

// i / size and i % size of numbers that are not negative. In 32 bits where both fit: a fifth of the
// instructions.
__device__ __forceinline__ Split split(int64_t i, int64_t size) {
  if ((uint64_t(i) | uint64_t(size)) >> 32 == 0) {
    const uint32_t quotient = uint32_t(i) / uint32_t(size);
    return {int64_t(quotient), int64_t(uint32_t(i) - quotient * uint32_t(size))};
  }
  const int64_t quotient = i / size;
  return {quotient, i - quotient * size};
}

}  // namespace kiln::kernels
