#pragma once

#include <kiln/kernels/base/walk.h>
#include <kiln/tensor/cuda/context.h>

namespace kiln::kernels {

// Copies operand 1 of the walk to operand 0 where that changes which dimension is dense (NCHW to NHWC and
// back, a transposed matrix), by tiles through shared memory, so that both sides are read and written in
// order. Returns false, with nothing done, where it is another kind of copy. Moves one element of each memory
// per element.
bool copy_transposed(const CudaContext& ctx, const Walk& walk, int64_t element_bytes);

}  // namespace kiln::kernels
