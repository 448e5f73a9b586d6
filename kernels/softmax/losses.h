#pragma once

#include <kiln/tensor/device/context.h>

namespace kiln::kernels {

// y (one element of x's type) = scale * sum((x - t)^2). x and t are dense in the same order and of one
// floating type.
void squared_error(CpuContext&, double scale, TensorView x, TensorView t, TensorView y);
void squared_error(CudaContext&, double scale, TensorView x, TensorView t, TensorView y);

// d = g * scale * (x - t), where g has one element.
void scaled_difference(CpuContext&, double scale, TensorView x, TensorView t, TensorView g, TensorView d);
void scaled_difference(CudaContext&, double scale, TensorView x, TensorView t, TensorView g, TensorView d);

// The first element of a contiguous x that is no probability (0 .. 1), -1 when there is none. On CUDA always
// -1: the next wait for the device throws `late` (a kept_text, <kiln/tensor/device/found.h>).
int64_t find_improbable(CpuContext&, TensorView x, const char* late);
int64_t find_improbable(CudaContext&, TensorView x, const char* late);

}  // namespace kiln::kernels
