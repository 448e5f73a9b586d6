#pragma once

#include <kiln/kernels/reduce/reduce.h>

namespace kiln::kernels {

// The largest or smallest element for each output, of x's type; NaN when there is one. geometry.count > 0.
void amax(CpuContext&, const ReduceGeometry&, TensorView x, TensorView y);
void amax(CudaContext&, const ReduceGeometry&, TensorView x, TensorView y);
void amin(CpuContext&, const ReduceGeometry&, TensorView x, TensorView y);
void amin(CudaContext&, const ReduceGeometry&, TensorView x, TensorView y);

// The same over one dimension, with its position along it (int64): the first of equal ones, the first NaN if
// there is one. `values` may be undefined.
void max_with_index(CpuContext&, const ReduceGeometry&, TensorView x, TensorView values, TensorView indices);
void max_with_index(CudaContext&, const ReduceGeometry&, TensorView x, TensorView values, TensorView indices);
void min_with_index(CpuContext&, const ReduceGeometry&, TensorView x, TensorView values, TensorView indices);
void min_with_index(CudaContext&, const ReduceGeometry&, TensorView x, TensorView values, TensorView indices);

}  // namespace kiln::kernels
