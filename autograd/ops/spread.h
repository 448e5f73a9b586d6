#pragma once

#include <kiln/autograd/ops.h>
#include <kiln/kernels/reduce/reduce.h>

// Internal, for the sources of reductions and their gradients.

namespace kiln {

// A reduction's result (with or without keepdim) repeated over the shape that was reduced. A view.
inline Tensor spread(const Tensor& y, const Shape& shape, kernels::DimSet reduced) {
  const Shape kept = kernels::reduced_shape(shape, reduced, true);
  return expand(y.shape() == kept ? y : reshape(y, kept), shape);
}

inline Dims dims_of(kernels::DimSet set) {
  Dims dims;
  for (int d = 0; set >> d != 0; ++d)
    if (set >> d & 1) dims.push_back(d);
  return dims;
}

}  // namespace kiln
