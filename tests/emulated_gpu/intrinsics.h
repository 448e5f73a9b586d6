#pragma once

// Functions of CUDA's device side that the host compiler does not have. Fast forms (__expf) compute the exact
// one: tests compare with tolerances.

#include <algorithm>
#include <cmath>

#include "bits.h"
#include "device_code.h"

namespace kiln::emulated {

// Copies that the sanitizer does not see: check_access has told it already.
template <class T>
T copy_of(const T* p) {
#ifdef __SANITIZE_THREAD__
  T value;
  void* to = &value;
  const void* from = p;
  size_t bytes = sizeof(T);
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes)::"memory");
  return value;
#else
  return *p;
#endif
}
template <class T>
void copy_to(T* p, const T& value) {
#ifdef __SANITIZE_THREAD__
  void* to = p;
  const void* from = &value;
  size_t bytes = sizeof(T);
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes)::"memory");
#else
  *p = value;
#endif
}

}  // namespace kiln::emulated

using std::max;
using std::min;

template <class T>
T __ldg(const T* p) {
  return *p;
}
template <class T>
T __ldcs(const T* p) {
  return *p;
}
template <class T>
T __ldcg(const T* p) {
  return *p;
}
template <class T>
void __stcs(T* p, T value) {
  *p = value;
}
template <class T>
void __stcg(T* p, T value) {
  *p = value;
}

inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence_block() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __nanosleep(unsigned) {}
[[noreturn]] inline void __trap() { kiln::emulated::device_fail("__trap()", {}); }

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x ? __builtin_clz(unsigned(x)) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll(static_cast<unsigned long long>(x)) : 64; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned((uint64_t(a) * b) >> 32); }
inline int __mulhi(int a, int b) { return int((int64_t(a) * b) >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<unsigned long long>((Wide(a) * b) >> 64);
}

inline float __expf(float x) { return expf(x); }
inline float __exp10f(float x) { return powf(10.0f, x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1.0f) : 0.0f; }
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }

inline int __float_as_int(float x) { return kiln::emulated::from_bits<int>(kiln::emulated::to_bits(x)); }
inline unsigned __float_as_uint(float x) { return unsigned(kiln::emulated::to_bits(x)); }
inline float __int_as_float(int x) { return kiln::emulated::from_bits<float>(kiln::emulated::to_bits(x)); }
inline float __uint_as_float(unsigned x) { return kiln::emulated::from_bits<float>(x); }
inline long long __double_as_longlong(double x) {
  return kiln::emulated::from_bits<long long>(kiln::emulated::to_bits(x));
}
inline double __longlong_as_double(long long x) {
  return kiln::emulated::from_bits<double>(kiln::emulated::to_bits(x));
}
inline int __float2int_rn(float x) { return int(rintf(x)); }
