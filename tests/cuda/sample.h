#pragma once

#include <kiln/autograd/ops.h>

namespace kiln::test {

inline const DType kFloating[] = {float32, float64, float16, bfloat16};
inline const DType kElements[] = {float32, float64, float16, bfloat16, int64,
                                  int32,   int16,   int8,    uint8,    bool8};

// Values around 0 for floating types, small numbers with repetitions for the others.
inline Tensor sample(const Shape& shape, DType dtype) {
  if (is_floating(dtype)) return to(randn(shape, {.dtype = float64}), dtype);
  return to(randint(dtype == uint8 || dtype == bool8 ? 0 : -5, dtype == bool8 ? 2 : 6, shape), dtype);
}

// How far a result may be from the CPU's, relative to its size or to 1: the rounding of sums for float32 and
// float64, the last rounding for the halves.
inline double tolerance(DType dtype) {
  switch (dtype) {
    case float32:
      return 1e-5;
    case float64:
      return 1e-12;
    case float16:
      return 0x1p-10;
    case bfloat16:
      return 0x1p-7;
    default:
      return 0;
  }
}

}  // namespace kiln::test
