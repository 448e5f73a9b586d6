#pragma once

#include <kiln/tensor/device/context.h>

namespace kiln::kernels {

// Normalisation of each row of a contiguous [rows, size] (Ba, Kiros & Hinton, 2016).
struct LayerNormGeometry {
  int64_t rows, size;
  // Rows are the last dimensions, which must be `normalized`. Throws "layer_norm: ...".
  static LayerNormGeometry of(const Shape& x, const Shape& normalized);
};

// x, y, g and dx are contiguous and of one floating dtype; the vectors are contiguous, in float64 for float64
// and in float32 for the others: weight and bias [size], or undefined; mean and rstd [rows]. y = (x - mean) *
// rstd * weight + bias. Reads and writes memory once.
void layer_norm(CpuContext&, const LayerNormGeometry&, TensorView x, TensorView weight, TensorView bias,
                double eps, TensorView y, TensorView mean, TensorView rstd);
void layer_norm(CudaContext&, const LayerNormGeometry&, TensorView x, TensorView weight, TensorView bias,
                double eps, TensorView y, TensorView mean, TensorView rstd);
// The gradient of x.
void layer_norm_input_grad(CpuContext&, const LayerNormGeometry&, TensorView x, TensorView g,
                           TensorView weight, TensorView mean, TensorView rstd, TensorView dx);
void layer_norm_input_grad(CudaContext&, const LayerNormGeometry&, TensorView x, TensorView g,
                           TensorView weight, TensorView mean, TensorView rstd, TensorView dx);
// dweight = sum over rows of g * (x - mean) * rstd, dbias = sum over rows of g, in blocks of a fixed size.
void layer_norm_sums(CpuContext&, const LayerNormGeometry&, TensorView x, TensorView g, TensorView mean,
                     TensorView rstd, TensorView dweight, TensorView dbias);
void layer_norm_sums(CudaContext&, const LayerNormGeometry&, TensorView x, TensorView g, TensorView mean,
                     TensorView rstd, TensorView dweight, TensorView dbias);

}  // namespace kiln::kernels
