#pragma once

#include <kiln/tensor/device/context.h>

namespace kiln::kernels {

// Softmax over one dimension of tensors that are dense in one and the same order of dimensions: their memory
// is [outer, size, inner].
struct SoftmaxGeometry {
  int64_t outer = 0, size = 1, inner = 1;

  // `dim` is already wrapped.
  static SoftmaxGeometry along(const Layout& dense, int dim) {
    const int64_t count = dense.numel();
    if (count == 0) return {};
    if (dense.rank() == 0 || dense.shape[dim] == 1) return {count, 1, 1};
    const int64_t size = dense.shape[dim], inner = dense.strides[dim];
    return {count / size / inner, size, inner};
  }
};

// y = exp(x - max) / sum, or its logarithm; halves are computed in float32. y may be x. Moves 2 elements of
// memory per element.
void softmax(CpuContext&, const SoftmaxGeometry&, TensorView x, TensorView y);
void softmax(CudaContext&, const SoftmaxGeometry&, TensorView x, TensorView y);
void log_softmax(CpuContext&, const SoftmaxGeometry&, TensorView x, TensorView y);
void log_softmax(CudaContext&, const SoftmaxGeometry&, TensorView x, TensorView y);

// dx = y * (g - sum(g * y)); of the logarithm: dx = g - exp(y) * sum(g). dx may be g.
void softmax_backward(CpuContext&, const SoftmaxGeometry&, TensorView y, TensorView g, TensorView dx);
void softmax_backward(CudaContext&, const SoftmaxGeometry&, TensorView y, TensorView g, TensorView dx);
void log_softmax_backward(CpuContext&, const SoftmaxGeometry&, TensorView y, TensorView g, TensorView dx);
void log_softmax_backward(CudaContext&, const SoftmaxGeometry&, TensorView y, TensorView g, TensorView dx);

}  // namespace kiln::kernels
