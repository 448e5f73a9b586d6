#pragma once

// The dialect of kernels/base/cuda/gpu.cuh for nvcc. Included by it only.

#include <type_traits>

namespace kiln::gpu {

struct Launch {
  dim3 grid{1};
  dim3 block{1};
  size_t shared_bytes = 0;
  cudaStream_t stream = nullptr;
};

namespace detail {

// The machine's type of one access of so many bytes: nvcc would split a struct of small members.
template <size_t Bytes>
struct Word;
template <>
struct Word<1> {
  using type = unsigned char;
};
template <>
struct Word<2> {
  using type = unsigned short;
};
template <>
struct Word<4> {
  using type = unsigned int;
};
template <>
struct Word<8> {
  using type = uint2;
};
template <>
struct Word<16> {
  using type = uint4;
};
template <class T>
using word_t = typename Word<sizeof(T)>::type;

template <class T>
__device__ __forceinline__ const word_t<T>* words(const T* p) {
  static_assert(std::is_trivially_copyable_v<T>);
  return reinterpret_cast<const word_t<T>*>(p);
}
template <class T>
__device__ __forceinline__ T value(word_t<T> word) {
  return __builtin_bit_cast(T, word);
}

}  // namespace detail

template <class T>
__device__ __forceinline__ T load(const T* p) {
  return detail::value<T>(*detail::words(p));
}
template <class T>
__device__ __forceinline__ T load_cached(const T* p) {
  return detail::value<T>(__ldg(detail::words(p)));
}
template <class T>
__device__ __forceinline__ T load_streaming(const T* p) {
  return detail::value<T>(__ldcs(detail::words(p)));
}
template <class T>
__device__ __forceinline__ void store(T* p, const T& v) {
  *reinterpret_cast<detail::word_t<T>*>(p) = __builtin_bit_cast(detail::word_t<T>, v);
}
template <class T>
__device__ __forceinline__ void store_streaming(T* p, const T& v) {
  __stcs(reinterpret_cast<detail::word_t<T>*>(p), __builtin_bit_cast(detail::word_t<T>, v));
}

template <class T, class Tag = T>
__device__ __forceinline__ T& shared() {
  __shared__ T memory;
  return memory;
}

template <class T>
__device__ __forceinline__ T* dynamic_shared() {
  extern __shared__ __align__(16) unsigned char kiln_dynamic_shared[];
  return reinterpret_cast<T*>(kiln_dynamic_shared);
}

template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), const Launch& at, Arguments&&... arguments) {
  constexpr size_t kWithoutOptIn = 48 * 1024;
  if (at.shared_bytes > kWithoutOptIn) {
    const cudaError_t error =
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(at.shared_bytes));
    if (error != cudaSuccess) return error;
  }
  cudaLaunchConfig_t config{};
  config.gridDim = at.grid;
  config.blockDim = at.block;
  config.dynamicSmemBytes = at.shared_bytes;
  config.stream = at.stream;
  return cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(std::forward<Arguments>(arguments))...);
}

}  // namespace kiln::gpu
