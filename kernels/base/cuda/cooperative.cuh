#pragma once

// Launches of kernels whose blocks wait for each other (gpu::sync_grid).

#include <kiln/kernels/base/cuda/cooperative.h>
#include <kiln/kernels/base/cuda/launch.cuh>

#include <gpu_grid.cuh>

namespace kiln::kernels {

// launch(), all blocks at once: as many of at.grid.x as the context's processors hold, so that a kernel goes
// by gridDim.x. Returns false, and launches nothing, where the device has no such launches.
template <class... Parameters, class... Arguments>
bool launch_cooperative(const CudaContext& ctx, const char* op, void (*kernel)(Parameters...), gpu::Launch at,
                        Arguments&&... arguments) {
  const unsigned threads = at.block.x * at.block.y * at.block.z;
  const unsigned most = unsigned(ctx.processors) *
                        blocks_of_processor(ctx.device, reinterpret_cast<const void*>(kernel), threads);
  if (most == 0) return false;
  if (at.grid.x == 0) return true;
  at.grid.x = at.grid.x < most ? at.grid.x : most;
  at.stream = ctx.stream;
  cuda::note_launch(op);
  cuda::check_launch(gpu::launch_cooperative(kernel, at, std::forward<Arguments>(arguments)...), op,
                     ctx.stream);
  return true;
}

}  // namespace kiln::kernels
