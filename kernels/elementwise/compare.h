#pragma once

#include <kiln/kernels/base/operand.h>

namespace kiln::kernels {

enum class CompareOp : uint8_t { eq, ne, lt, le, gt, ge, logical_and, logical_or };

// y = a op b, compared as `compute` (a type that both operands convert to; the logical ops compare as bool).
// y is bool, or of a type that bool converts to.
void compare(CpuContext&, CompareOp op, DType compute, const Operand& a, const Operand& b, TensorView y);
void compare(CudaContext&, CompareOp op, DType compute, const Operand& a, const Operand& b, TensorView y);

// y = condition ? a : b, in y's type; condition is bool.
void where(CpuContext&, TensorView condition, const Operand& a, const Operand& b, TensorView y);
void where(CudaContext&, TensorView condition, const Operand& a, const Operand& b, TensorView y);

// y = x limited to [low, high], in `compute`; NaN stays. high wins where low is above it.
void clamp(CpuContext&, DType compute, TensorView x, const Scalar& low, const Scalar& high, TensorView y);
void clamp(CudaContext&, DType compute, TensorView x, const Scalar& low, const Scalar& high, TensorView y);

}  // namespace kiln::kernels
