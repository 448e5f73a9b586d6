#pragma once

#include <kiln/autograd/ops/operands.h>
#include <kiln/autograd/record.h>

// For sources only: the in-place forms that have no kernel of their own.

namespace kiln {

// x = f(x), where x is the first of `operands`, the tensors that f reads. What f keeps for its gradient is
// out of reach of the write.
template <class F>
const Tensor& in_place(const char* op, autograd::Inputs operands, const F& f) {
  const Tensor& x = *operands.begin()->tensor;
  check_defined(op, x);
  const bool recorded = autograd::detail::wants_record(operands);
  autograd::begin_in_place(op, x);
  const Tensor y = f(recorded ? x.clone() : x);
  check_in_place_result(op, x, y.dtype(), y.shape());
  return x.copy_(y);
}

}  // namespace kiln
