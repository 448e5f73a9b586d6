#pragma once

// The dialect of kernels/base/cuda/gpu.cuh for kernels whose blocks wait for each other. For nvcc.

#include <cooperative_groups.h>

#include <type_traits>
#include <utility>

namespace kiln::gpu {

// All threads of all blocks wait for each other, and see what the others wrote before. In kernels that
// launch_cooperative launched only.
__device__ __forceinline__ void sync_grid() { cooperative_groups::this_grid().sync(); }

// As launch, with all blocks on the device at once. cudaErrorCooperativeLaunchTooLarge where they do not fit
// (cudaOccupancyMaxActiveBlocksPerMultiprocessor says how many do).
template <class... Parameters, class... Arguments>
cudaError_t launch_cooperative(void (*kernel)(Parameters...), const Launch& at, Arguments&&... arguments) {
  cudaLaunchAttribute cooperative{};
  cooperative.id = cudaLaunchAttributeCooperative;
  cooperative.val.cooperative = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = at.grid;
  config.blockDim = at.block;
  config.dynamicSmemBytes = at.shared_bytes;
  config.stream = at.stream;
  config.attrs = &cooperative;
  config.numAttrs = 1;
  return cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(std::forward<Arguments>(arguments))...);
}

}  // namespace kiln::gpu
