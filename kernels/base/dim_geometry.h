#pragma once

#include <kiln/tensor/shape.h>

namespace kiln::kernels {

// A dense row-major tensor seen along one dimension, as [outer, size, inner]. A 0-dim tensor has size 1.
struct DimGeometry {
  int64_t outer = 1, size = 1, inner = 1;

  // `dim` is already wrapped.
  static DimGeometry along(const Shape& shape, int dim) {
    DimGeometry g;
    for (int d = 0; d < shape.rank(); ++d) (d < dim ? g.outer : d == dim ? g.size : g.inner) *= shape[d];
    return g;
  }
};

}  // namespace kiln::kernels
