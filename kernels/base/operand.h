#pragma once

#include <kiln/tensor/device/context.h>

namespace kiln::kernels {

// An operand of an elementwise kernel: a tensor that broadcasts to the result, or a number.
struct Operand {
  TensorView view;
  Scalar scalar = 0;

  Operand(const Tensor& x) : view(x) {}
  Operand(const TensorView& x) : view(x) {}
  Operand(const Scalar& value) : view(Tensor()), scalar(value) {}
  bool is_scalar() const { return !view.defined(); }
};

}  // namespace kiln::kernels
