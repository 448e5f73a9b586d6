#pragma once

#include <kiln/tensor/tensor.h>

// Functions on the gradients of parameters, in place; parameters without a gradient are passed over. One pass
// over the memory each; results do not depend on the number of threads.

namespace kiln::optim {

// Scales all gradients by one factor so that their norm, seen as one vector, is at most max_norm. Returns the
// norm before, 0-dim, float64. norm_type: p > 0, infinity included. Throws for another p, and when
// error_if_nonfinite is set and the norm is not finite; otherwise gradients become NaN (or 0) then, as in
// PyTorch.
Tensor clip_grad_norm_(const Tensors& params, double max_norm, double norm_type = 2,
                       bool error_if_nonfinite = false);

// Clamps each element of the gradients to [-clip_value, clip_value].
void clip_grad_value_(const Tensors& params, double clip_value);

// Whether no gradient holds an infinity or a NaN.
bool grads_are_finite(const Tensors& params);

}  // namespace kiln::optim
