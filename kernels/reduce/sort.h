#pragma once

#include <kiln/kernels/base/dim_geometry.h>
#include <kiln/tensor/device/context.h>

namespace kiln::kernels {

// The first k (at most geometry.size) elements of each line along a dimension in sorted order, and their
// positions (int64). Equal elements keep their order; NaN counts as the largest. All dense row-major.
void sort(CpuContext&, const DimGeometry&, int64_t k, bool descending, TensorView x, TensorView values,
          TensorView indices);
void sort(CudaContext&, const DimGeometry&, int64_t k, bool descending, TensorView x, TensorView values,
          TensorView indices);

}  // namespace kiln::kernels
