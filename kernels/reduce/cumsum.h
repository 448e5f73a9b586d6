#pragma once

#include <kiln/kernels/base/dim_geometry.h>
#include <kiln/tensor/device/context.h>

namespace kiln::kernels {

// Running sums along a dimension, from its start or (`reverse`) from its end. x and y are dense row-major; y
// has x's type for floats, which are added in float64, and int64 for integers and bool.
void cumsum(CpuContext&, const DimGeometry&, bool reverse, TensorView x, TensorView y);
void cumsum(CudaContext&, const DimGeometry&, bool reverse, TensorView x, TensorView y);

}  // namespace kiln::kernels
