#pragma once

// Atomics under CUDA's names: relaxed, as on the GPU. Templates take what CUDA takes and more; nvcc says what
// it lacks.

#include <type_traits>

namespace kiln::emulated {

// Replaces *p by f(*p), returns what stood there.
template <class T, class F>
__forceinline__ T atomic_update(T* p, F f) {
  T old;
  __atomic_load(p, &old, __ATOMIC_RELAXED);
  T next = f(old);
  while (!__atomic_compare_exchange(p, &old, &next, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) next = f(old);
  return old;
}

template <class T>
using same_t = std::type_identity_t<T>;

}  // namespace kiln::emulated

template <class T>
__forceinline__ T atomicAdd(T* p, kiln::emulated::same_t<T> v) {
  return kiln::emulated::atomic_update(p, [v](T old) { return T(old + v); });
}
template <class T>
__forceinline__ T atomicSub(T* p, kiln::emulated::same_t<T> v) {
  return kiln::emulated::atomic_update(p, [v](T old) { return T(old - v); });
}
template <class T>
__forceinline__ T atomicMax(T* p, kiln::emulated::same_t<T> v) {
  return kiln::emulated::atomic_update(p, [v](T old) { return old < v ? v : old; });
}
template <class T>
__forceinline__ T atomicMin(T* p, kiln::emulated::same_t<T> v) {
  return kiln::emulated::atomic_update(p, [v](T old) { return v < old ? v : old; });
}
template <class T>
__forceinline__ T atomicExch(T* p, kiln::emulated::same_t<T> v) {
  return kiln::emulated::atomic_update(p, [v](T) { return v; });
}
template <class T>
__forceinline__ T atomicAnd(T* p, kiln::emulated::same_t<T> v) {
  return kiln::emulated::atomic_update(p, [v](T old) { return T(old & v); });
}
template <class T>
__forceinline__ T atomicOr(T* p, kiln::emulated::same_t<T> v) {
  return kiln::emulated::atomic_update(p, [v](T old) { return T(old | v); });
}
template <class T>
__forceinline__ T atomicXor(T* p, kiln::emulated::same_t<T> v) {
  return kiln::emulated::atomic_update(p, [v](T old) { return T(old ^ v); });
}
__forceinline__ unsigned atomicInc(unsigned* p, unsigned limit) {
  return kiln::emulated::atomic_update(p, [limit](unsigned old) { return old >= limit ? 0 : old + 1; });
}
template <class T>
__forceinline__ T atomicCAS(T* p, kiln::emulated::same_t<T> expected, kiln::emulated::same_t<T> v) {
  __atomic_compare_exchange(p, &expected, &v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}
