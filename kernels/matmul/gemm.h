#pragma once

#include <kiln/tensor/device/context.h>

namespace kiln::kernels {

// Products of matrices c = a b, or of a batch of them: a [batch, m, k], b [batch, k, n], c [batch, m, n].
// Each is seen through strides counted in elements, so a transposed or repeated (stride 0) operand needs no
// copy.
struct GemmGeometry {
  struct Matrix {
    int64_t row = 0, column = 0, batch = 0;
  };
  int64_t batch = 1, m = 0, n = 0, k = 0;
  Matrix a, b, c;
};

// c = a b + bias + beta c, with bias [n] contiguous or undefined. All of one dtype, every type but bool;
// halves accumulate in float32, integers wrap around. c must not overlap the operands or itself. Without
// terms (k = 0) a b is zero. The TensorViews' own shapes do not matter. On CUDA this is cuBLASLt, or a kernel
// of our own for what that does not multiply.
void gemm(CpuContext&, const GemmGeometry&, TensorView a, TensorView b, TensorView bias, TensorView c,
          double beta = 0);
void gemm(CudaContext&, const GemmGeometry&, TensorView a, TensorView b, TensorView bias, TensorView c,
          double beta = 0);

}  // namespace kiln::kernels
