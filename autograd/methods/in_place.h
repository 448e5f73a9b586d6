#pragma once

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops/operands.h>

// Internal: the in-place forms that have no kernel of their own.

namespace kiln {

// x = f(x), where x is the first of `operands`, the tensors that f reads. What f keeps for its gradient is
// out of reach of the write.
template <class F>
const Tensor& in_place(const char* name, autograd::Inputs operands, const F& f) {
  autograd::Op op(name);
  const char* names[] = {"x", "other", "third"};
  int i = 0;
  for (const autograd::Input& operand : operands) op.operand(names[i++], *operand.tensor);
  const Tensor& x = *operands.begin()->tensor;
  op.begin_write();
  const Tensor y = f(op.records() ? x.clone() : x);
  check_in_place_result(name, x, y.dtype(), y.shape());
  x.copy_(y);
  op.written();
  return x;
}

}  // namespace kiln
