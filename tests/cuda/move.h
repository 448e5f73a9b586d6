#pragma once

#include <kiln/tensor/tensor.h>

namespace kiln::test {

// The tensor with its whole storage on the first GPU (on the host): the same shape, strides and offset, so
// that views and broadcasts stay what they are. For calling a kernel on both contexts.
Tensor on_cuda(const Tensor& x);
Tensor on_cpu(const Tensor& x);

}  // namespace kiln::test
