#pragma once

// The dialect of kernels/base/cuda/gpu.cuh for the C++ compiler. Included by it only. CUDA's headers leave
// the device side of the language out for a C++ compiler; this and the headers below put it in.

#include <cstring>
#include <functional>
#include <tuple>
#include <type_traits>

#include "device_code.h"

#undef __launch_bounds__
#define __launch_bounds__(...)
#undef __forceinline__
#define __forceinline__ inline __attribute__((always_inline))
#undef __shared__
#define __shared__ bare___shared___is_not_emulated_use_gpu_shared

#define threadIdx (::kiln::emulated::current_thread->index)
#define blockIdx (::kiln::emulated::current_block)
#define blockDim (::kiln::emulated::block_size)
#define gridDim (::kiln::emulated::grid_size)
static constexpr int warpSize = 32;

#include "atomics.h"
#include "grid/warp.h"
#include "intrinsics.h"

namespace kiln::gpu {

struct Launch {
  dim3 grid{1};
  dim3 block{1};
  size_t shared_bytes = 0;
  cudaStream_t stream = nullptr;
  emulated::Location where = emulated::Location::current();  // of the call, for messages
};

template <class T>
T load(const T* p) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 16);
  emulated::check_access(p, sizeof(T), false);
  return emulated::copy_of(p);
}
template <class T>
T load_cached(const T* p) {
  return load(p);
}
template <class T>
T load_streaming(const T* p) {
  return load(p);
}
template <class T>
void store(T* p, const T& v) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 16);
  emulated::check_access(p, sizeof(T), true);
  emulated::copy_to(p, v);
}
template <class T>
void store_streaming(T* p, const T& v) {
  store(p, v);
}

template <class T, class Tag = T>
T& shared() {
  static const char tag = 0;
  return *static_cast<T*>(emulated::shared_memory(&tag, sizeof(T), alignof(T) < 16 ? 16 : alignof(T)));
}

template <class T>
T* dynamic_shared() {
  return static_cast<T*>(emulated::dynamic_shared_memory());
}

}  // namespace kiln::gpu

namespace kiln::emulated {

// Puts a launch into its stream. `kernel` is the key of its attributes; body runs one GPU thread.
cudaError_t enqueue_launch(const gpu::Launch& at, const void* kernel, std::function<void()> body);

}  // namespace kiln::emulated

namespace kiln::gpu {

template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), const Launch& at, Arguments&&... arguments) {
  constexpr size_t kWithoutOptIn = 48 * 1024;
  const void* key = reinterpret_cast<const void*>(kernel);
  if (at.shared_bytes > kWithoutOptIn) {
    const cudaError_t error =
        cudaFuncSetAttribute(key, cudaFuncAttributeMaxDynamicSharedMemorySize, int(at.shared_bytes));
    if (error != cudaSuccess) return error;
  }
  std::tuple<Parameters...> values{static_cast<Parameters>(std::forward<Arguments>(arguments))...};
  return emulated::enqueue_launch(at, key, [kernel, values] { std::apply(kernel, values); });
}

}  // namespace kiln::gpu
