#pragma once

#include <kiln/tensor/tensor.h>

// Internal, for the sources of ops: the gradients of softmax and log_softmax over `dim`, from their results
// y; ops themselves.

namespace kiln {

Tensor softmax_backward(const Tensor& y, const Tensor& g, int dim);
Tensor log_softmax_backward(const Tensor& y, const Tensor& g, int dim);

}  // namespace kiln
