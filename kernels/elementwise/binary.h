#pragma once

#include <kiln/kernels/base/operand.h>

namespace kiln::kernels {

enum class BinaryOp : uint8_t {
  add,
  sub,
  mul,
  div,           // floating types only
  add_scaled,    // a + alpha * b
  pow,           // integers wrap; a negative exponent gives 0 but for bases 1 and -1
  maximum,       // NaN wins
  minimum,       // NaN wins
  floor_divide,  // rounds down
  remainder,     // has b's sign
  bitwise_and,   // integers and bool
  bitwise_or,
  bitwise_xor,
};

// y = a op b, computed in `compute` (a type that both operands convert to) and converted to y's type. y may
// be an operand. Integers wrap; throws when an integer is divided by zero, and for bool where PyTorch does.
// Moves three elements of memory per element.
void binary(CpuContext&, BinaryOp op, DType compute, const Operand& a, const Operand& b, TensorView y,
            const Scalar& alpha = 1);
// A division by zero on the device is thrown by the next wait for it.
void binary(CudaContext&, BinaryOp op, DType compute, const Operand& a, const Operand& b, TensorView y,
            const Scalar& alpha = 1);

}  // namespace kiln::kernels
