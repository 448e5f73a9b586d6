#pragma once

#include <kiln/tensor/device/context.h>

namespace kiln::kernels {

// y = x, converted to y's dtype; x broadcasts to y's shape. The two must not overlap (or be the same).
// Moves one element of each memory per element; a change of layout (NCHW to NHWC and back) goes by tiles.
void copy(CpuContext&, TensorView x, TensorView y);
void copy(CudaContext&, TensorView x, TensorView y);

}  // namespace kiln::kernels
