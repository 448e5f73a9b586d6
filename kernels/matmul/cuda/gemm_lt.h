#pragma once

#include <kiln/kernels/matmul/gemm.h>

namespace kiln::kernels {

// gemm by cuBLASLt. False, with nothing done, for what it does not multiply: integers, operands without a
// dense dimension, a bias along the result's rows. float32 is multiplied as <kiln/tensor/settings.h>
// says; the halves accumulate in float32.
bool gemm_lt(CudaContext&, const GemmGeometry&, const TensorView& a, const TensorView& b,
             const TensorView& bias, const TensorView& c, double beta);

}  // namespace kiln::kernels
