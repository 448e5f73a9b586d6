#pragma once

// The one launcher of kernels: stream, empty-size return and error check.

#include <kiln/tensor/base/error.h>
#include <kiln/tensor/cuda/check.h>
#include <kiln/tensor/cuda/context.h>
#include <kiln/kernels/base/cuda/gpu.cuh>

namespace kiln::kernels {

// Launches on the context's stream: launch(ctx, "fill", fill_kernel<T>, {.grid = blocks, .block = 256}, y,
// n). Does nothing where the grid is empty. `op`, a string literal, names the op in errors, also in late
// ones.
template <class... Parameters, class... Arguments>
void launch(const CudaContext& ctx, const char* op, void (*kernel)(Parameters...), gpu::Launch at,
            Arguments&&... arguments) {
  if (at.grid.x == 0 || at.grid.y == 0 || at.grid.z == 0) return;
  at.stream = ctx.stream;
  cuda::note_launch(op);
  cuda::check_launch(gpu::launch(kernel, at, std::forward<Arguments>(arguments)...), op, ctx.stream);
}

// Blocks that give `count` items to blocks of `items_per_block`. Throws where a grid cannot be that large.
inline unsigned blocks_for(int64_t count, int items_per_block) {
  constexpr int64_t kLargestGrid = 0x7fffffff;
  const int64_t blocks = (count + items_per_block - 1) / items_per_block;
  if (blocks > kLargestGrid)
    detail::throw_error("cuda: a tensor with this many elements does not fit into one launch");
  return unsigned(blocks);
}

}  // namespace kiln::kernels
