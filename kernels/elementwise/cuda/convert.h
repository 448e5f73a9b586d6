#pragma once

#include <kiln/kernels/base/walk.h>
#include <kiln/tensor/cuda/context.h>

namespace kiln::kernels {

// Operand 0 = operand 1, converted. The types differ; throws where one of them does not compute.
void convert(const CudaContext& ctx, DType from, DType to, const Walk& walk);

}  // namespace kiln::kernels
