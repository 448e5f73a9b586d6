#pragma once

// The dialect of kernels/base/cuda/gpu.cuh for kernels whose blocks wait for each other. For the C++
// compiler.

#include "gpu_target.cuh"

namespace kiln::emulated {

void grid_barrier(Location where);
cudaError_t enqueue_cooperative(const gpu::Launch& at, const void* kernel, std::function<void()> body);

}  // namespace kiln::emulated

namespace kiln::gpu {

inline void sync_grid(emulated::Location where = emulated::Location::current()) {
  emulated::grid_barrier(where);
}

template <class... Parameters, class... Arguments>
cudaError_t launch_cooperative(void (*kernel)(Parameters...), const Launch& at, Arguments&&... arguments) {
  std::tuple<Parameters...> values{static_cast<Parameters>(std::forward<Arguments>(arguments))...};
  return emulated::enqueue_cooperative(at, reinterpret_cast<const void*>(kernel),
                                       [kernel, values] { std::apply(kernel, values); });
}

}  // namespace kiln::gpu
