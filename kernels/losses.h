#pragma once

#include <kiln/tensor/context.h>

namespace kiln::kernels {

// y (one element of x's type) = scale * sum((x - t)^2). x and t are dense in the same order and of one
// floating type.
void squared_error(CpuContext&, double scale, TensorView x, TensorView t, TensorView y);
void squared_error(CudaContext&, double scale, TensorView x, TensorView t, TensorView y);

// d = g * scale * (x - t), where g has one element.
void scaled_difference(CpuContext&, double scale, TensorView x, TensorView t, TensorView g, TensorView d);
void scaled_difference(CudaContext&, double scale, TensorView x, TensorView t, TensorView g, TensorView d);

}  // namespace kiln::kernels
