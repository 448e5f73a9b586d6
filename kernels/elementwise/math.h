#pragma once

#include <cmath>
#include <concepts>

// The C library's functions, redeclared so that loops call their vector versions (libmvec, at most 4 ulp).
// The library's own header offers them under -ffast-math only, which would give up NaN and Inf. The first of
// them came with glibc 2.22, the others with 2.35; without, loops call the scalar one.

#define KILN_SIMD
#define KILN_SIMD_2_35
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__)
#if __GLIBC_PREREQ(2, 22)
#undef KILN_SIMD
#define KILN_SIMD __attribute__((simd("notinbranch")))
#endif
#if __GLIBC_PREREQ(2, 35)
#undef KILN_SIMD_2_35
#define KILN_SIMD_2_35 KILN_SIMD
#endif
#endif

extern "C" {
KILN_SIMD float expf(float) noexcept;
KILN_SIMD_2_35 float expm1f(float) noexcept;
KILN_SIMD float logf(float) noexcept;
KILN_SIMD_2_35 float log1pf(float) noexcept;
KILN_SIMD_2_35 float log2f(float) noexcept;
KILN_SIMD_2_35 float log10f(float) noexcept;
KILN_SIMD float sinf(float) noexcept;
KILN_SIMD float cosf(float) noexcept;
KILN_SIMD_2_35 float tanf(float) noexcept;
KILN_SIMD_2_35 float asinf(float) noexcept;
KILN_SIMD_2_35 float acosf(float) noexcept;
KILN_SIMD_2_35 float atanf(float) noexcept;
KILN_SIMD_2_35 float sinhf(float) noexcept;
KILN_SIMD_2_35 float coshf(float) noexcept;
KILN_SIMD_2_35 float tanhf(float) noexcept;
KILN_SIMD_2_35 float erff(float) noexcept;
KILN_SIMD float powf(float, float) noexcept;
KILN_SIMD double exp(double) noexcept;
KILN_SIMD_2_35 double expm1(double) noexcept;
KILN_SIMD double log(double) noexcept;
KILN_SIMD_2_35 double log1p(double) noexcept;
KILN_SIMD_2_35 double log2(double) noexcept;
KILN_SIMD_2_35 double log10(double) noexcept;
KILN_SIMD double sin(double) noexcept;
KILN_SIMD double cos(double) noexcept;
KILN_SIMD_2_35 double tan(double) noexcept;
KILN_SIMD_2_35 double asin(double) noexcept;
KILN_SIMD_2_35 double acos(double) noexcept;
KILN_SIMD_2_35 double atan(double) noexcept;
KILN_SIMD_2_35 double sinh(double) noexcept;
KILN_SIMD_2_35 double cosh(double) noexcept;
KILN_SIMD_2_35 double tanh(double) noexcept;
KILN_SIMD_2_35 double erf(double) noexcept;
KILN_SIMD double pow(double, double) noexcept;
}

#undef KILN_SIMD_2_35
#undef KILN_SIMD

namespace kiln::kernels::math {

// Templates, and constexpr, so that nvcc takes them for device code too; there they mean CUDA's functions.

template <std::floating_point T>
constexpr T exp(T x) {
  if constexpr (std::same_as<T, float>)
    return ::expf(x);
  else
    return ::exp(x);
}
template <std::floating_point T>
constexpr T expm1(T x) {
  if constexpr (std::same_as<T, float>)
    return ::expm1f(x);
  else
    return ::expm1(x);
}
template <std::floating_point T>
constexpr T log(T x) {
  if constexpr (std::same_as<T, float>)
    return ::logf(x);
  else
    return ::log(x);
}
template <std::floating_point T>
constexpr T log1p(T x) {
  if constexpr (std::same_as<T, float>)
    return ::log1pf(x);
  else
    return ::log1p(x);
}
template <std::floating_point T>
constexpr T log2(T x) {
  if constexpr (std::same_as<T, float>)
    return ::log2f(x);
  else
    return ::log2(x);
}
template <std::floating_point T>
constexpr T log10(T x) {
  if constexpr (std::same_as<T, float>)
    return ::log10f(x);
  else
    return ::log10(x);
}
template <std::floating_point T>
constexpr T sin(T x) {
  if constexpr (std::same_as<T, float>)
    return ::sinf(x);
  else
    return ::sin(x);
}
template <std::floating_point T>
constexpr T cos(T x) {
  if constexpr (std::same_as<T, float>)
    return ::cosf(x);
  else
    return ::cos(x);
}
template <std::floating_point T>
constexpr T tan(T x) {
  if constexpr (std::same_as<T, float>)
    return ::tanf(x);
  else
    return ::tan(x);
}
template <std::floating_point T>
constexpr T asin(T x) {
  if constexpr (std::same_as<T, float>)
    return ::asinf(x);
  else
    return ::asin(x);
}
template <std::floating_point T>
constexpr T acos(T x) {
  if constexpr (std::same_as<T, float>)
    return ::acosf(x);
  else
    return ::acos(x);
}
template <std::floating_point T>
constexpr T atan(T x) {
  if constexpr (std::same_as<T, float>)
    return ::atanf(x);
  else
    return ::atan(x);
}
template <std::floating_point T>
constexpr T sinh(T x) {
  if constexpr (std::same_as<T, float>)
    return ::sinhf(x);
  else
    return ::sinh(x);
}
template <std::floating_point T>
constexpr T cosh(T x) {
  if constexpr (std::same_as<T, float>)
    return ::coshf(x);
  else
    return ::cosh(x);
}
template <std::floating_point T>
constexpr T tanh(T x) {
  if constexpr (std::same_as<T, float>)
    return ::tanhf(x);
  else
    return ::tanh(x);
}
template <std::floating_point T>
constexpr T erf(T x) {
  if constexpr (std::same_as<T, float>)
    return ::erff(x);
  else
    return ::erf(x);
}
template <std::floating_point T>
constexpr T pow(T x, T y) {
  if constexpr (std::same_as<T, float>)
    return ::powf(x, y);
  else
    return ::pow(x, y);
}
template <std::floating_point T>
constexpr T fmod(T x, T y) {
  if constexpr (std::same_as<T, float>)
    return ::fmodf(x, y);
  else
    return ::fmod(x, y);
}
template <std::floating_point T>
constexpr T copysign(T x, T y) {
  if constexpr (std::same_as<T, float>)
    return ::copysignf(x, y);
  else
    return ::copysign(x, y);
}
template <std::floating_point T>
constexpr T sqrt(T x) {
  if constexpr (std::same_as<T, float>)
    return ::sqrtf(x);
  else
    return ::sqrt(x);
}
template <std::floating_point T>
constexpr T abs(T x) {
  if constexpr (std::same_as<T, float>)
    return ::fabsf(x);
  else
    return ::fabs(x);
}
template <std::floating_point T>
constexpr T floor(T x) {
  if constexpr (std::same_as<T, float>)
    return ::floorf(x);
  else
    return ::floor(x);
}
template <std::floating_point T>
constexpr T ceil(T x) {
  if constexpr (std::same_as<T, float>)
    return ::ceilf(x);
  else
    return ::ceil(x);
}
template <std::floating_point T>
constexpr T trunc(T x) {
  if constexpr (std::same_as<T, float>)
    return ::truncf(x);
  else
    return ::trunc(x);
}
// Half to even.
template <std::floating_point T>
constexpr T round(T x) {
  if constexpr (std::same_as<T, float>)
    return ::rintf(x);
  else
    return ::rint(x);
}
template <std::floating_point T>
constexpr T sign(T x) {
  return T(x > 0) - T(x < 0);
}
template <std::floating_point T>
constexpr T sigmoid(T x) {
  return 1 / (1 + exp(-x));
}
// Both values are computed, so that loops with it vectorise.
template <std::floating_point T>
constexpr T pick(bool condition, T a, T b) {
  return condition ? a : b;
}

}  // namespace kiln::kernels::math
