#pragma once

#include <kiln/kernels/conv/conv2d.h>

namespace kiln::kernels {

// The contract of kernels/conv/conv2d.h by plain loops, for the types that oneDNN does not convolve
// (float64). Sums run in a fixed order.
void conv2d_direct_forward(CpuContext&, const Conv2dGeometry&, TensorView x, TensorView weight,
                           TensorView bias, TensorView y);
void conv2d_direct_input_grad(CpuContext&, const Conv2dGeometry&, TensorView g, TensorView weight,
                              TensorView dx);
// Any floating type when the batch is empty: dw is then zero.
void conv2d_direct_weight_grad(CpuContext&, const Conv2dGeometry&, TensorView g, TensorView x, TensorView dw);

}  // namespace kiln::kernels
