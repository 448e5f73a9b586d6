#pragma once

#include <kiln/tensor/base/pair.h>
#include <kiln/tensor/device/context.h>

namespace kiln::kernels {

// Convolution (cross-correlation) of x [N,C,H,W] with weight [K,C/groups,R,S] to y [N,K,P,Q].
struct Conv2dGeometry {
  int64_t batch, channels, height, width;
  int64_t filters, kernel_h, kernel_w;
  int64_t out_h, out_w;
  int64_t stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w;
  int64_t groups;

  // Throws "conv2d: ..." naming both shapes when they do not fit.
  static Conv2dGeometry of(const Shape& x, const Shape& weight, Pair stride, Pair padding, Pair dilation,
                           int64_t groups);
  Shape y_shape() const { return {batch, filters, out_h, out_w}; }
};

// Which dtypes the three kernels take; the op converts others.
bool conv2d_computes(CpuContext&, DType dtype);
bool conv2d_computes(CudaContext&, DType dtype);

// Activations x, y and their gradients g, dx are dense in channels-last order; weight and dw are dense in any
// order; bias is contiguous or undefined. An empty batch is allowed. Halves accumulate in float32.
// On CUDA they are cuDNN's: the precision of float32 and the choice of the plan as <kiln/tensor/settings.h>
// says. Weights that are neither channels-last nor row-major cost a copy.
// y = conv(x, weight) + bias; with `relu` the maximum of that and 0
void conv2d_forward(CpuContext&, const Conv2dGeometry&, TensorView x, TensorView weight, TensorView bias,
                    bool relu, TensorView y);
void conv2d_forward(CudaContext&, const Conv2dGeometry&, TensorView x, TensorView weight, TensorView bias,
                    bool relu, TensorView y);
// dx: the gradient of x, given g, that of y
void conv2d_input_grad(CpuContext&, const Conv2dGeometry&, TensorView g, TensorView weight, TensorView dx);
void conv2d_input_grad(CudaContext&, const Conv2dGeometry&, TensorView g, TensorView weight, TensorView dx);
// dw: the gradient of weight. On the CPU the sum over the batch is split by threads for float32 (but for a
// filter a channel beyond 3x3), so its last bits depend on how many there are (not on timing).
void conv2d_weight_grad(CpuContext&, const Conv2dGeometry&, TensorView g, TensorView x, TensorView dw);
void conv2d_weight_grad(CudaContext&, const Conv2dGeometry&, TensorView g, TensorView x, TensorView dw);

}  // namespace kiln::kernels
