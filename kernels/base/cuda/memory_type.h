#pragma once

#include <kiln/kernels/base/operand.h>

namespace kiln::kernels {

// The type that operands of different types are converted to for a computation in `compute`. The halves
// compute in float32, so what meets them goes there, without being rounded to the half first.
inline DType memory_type(DType compute, const Operand& a, const Operand& b) {
  const auto differs = [&](const Operand& x) { return !x.is_scalar() && x.view.dtype != compute; };
  const bool half = compute == float16 || compute == bfloat16;
  return half && (differs(a) || differs(b)) ? float32 : compute;
}

}  // namespace kiln::kernels
