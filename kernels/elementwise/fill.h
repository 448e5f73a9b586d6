#pragma once

#include <kiln/tensor/device/context.h>

namespace kiln::kernels {

// Every element of y becomes value, converted to y's dtype.
void fill(CpuContext&, const Scalar& value, TensorView y);
void fill(CudaContext&, const Scalar& value, TensorView y);

// y[i] = start + i * step, in double for floating dtypes and in int64 for integral ones. y has one dimension.
void arange(CpuContext&, const Scalar& start, const Scalar& step, TensorView y);
void arange(CudaContext&, const Scalar& start, const Scalar& step, TensorView y);

// y goes from start to end in equal steps, both included; computed from both ends, so y's last element is
// exactly `end`. y has one dimension and is floating.
void linspace(CpuContext&, double start, double end, TensorView y);
void linspace(CudaContext&, double start, double end, TensorView y);

}  // namespace kiln::kernels
