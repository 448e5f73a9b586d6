#pragma once

#include <cmath>

// The C library's functions, redeclared so that loops call their vector versions (libmvec, at most 4 ulp).
// The library's own header offers them under -ffast-math only, which would give up NaN and Inf.

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__)
#define KILN_SIMD __attribute__((simd("notinbranch")))
#else
#define KILN_SIMD
#endif

extern "C" {
KILN_SIMD float expf(float) noexcept;
KILN_SIMD float expm1f(float) noexcept;
KILN_SIMD float logf(float) noexcept;
KILN_SIMD float log1pf(float) noexcept;
KILN_SIMD float log2f(float) noexcept;
KILN_SIMD float log10f(float) noexcept;
KILN_SIMD float sinf(float) noexcept;
KILN_SIMD float cosf(float) noexcept;
KILN_SIMD float tanf(float) noexcept;
KILN_SIMD float asinf(float) noexcept;
KILN_SIMD float acosf(float) noexcept;
KILN_SIMD float atanf(float) noexcept;
KILN_SIMD float sinhf(float) noexcept;
KILN_SIMD float coshf(float) noexcept;
KILN_SIMD float tanhf(float) noexcept;
KILN_SIMD float erff(float) noexcept;
KILN_SIMD float powf(float, float) noexcept;
KILN_SIMD double exp(double) noexcept;
KILN_SIMD double expm1(double) noexcept;
KILN_SIMD double log(double) noexcept;
KILN_SIMD double log1p(double) noexcept;
KILN_SIMD double log2(double) noexcept;
KILN_SIMD double log10(double) noexcept;
KILN_SIMD double sin(double) noexcept;
KILN_SIMD double cos(double) noexcept;
KILN_SIMD double tan(double) noexcept;
KILN_SIMD double asin(double) noexcept;
KILN_SIMD double acos(double) noexcept;
KILN_SIMD double atan(double) noexcept;
KILN_SIMD double sinh(double) noexcept;
KILN_SIMD double cosh(double) noexcept;
KILN_SIMD double tanh(double) noexcept;
KILN_SIMD double erf(double) noexcept;
KILN_SIMD double pow(double, double) noexcept;
}

#undef KILN_SIMD

namespace kiln::kernels::math {

inline float exp(float x) { return ::expf(x); }
inline float expm1(float x) { return ::expm1f(x); }
inline float log(float x) { return ::logf(x); }
inline float log1p(float x) { return ::log1pf(x); }
inline float log2(float x) { return ::log2f(x); }
inline float log10(float x) { return ::log10f(x); }
inline float sin(float x) { return ::sinf(x); }
inline float cos(float x) { return ::cosf(x); }
inline float tan(float x) { return ::tanf(x); }
inline float asin(float x) { return ::asinf(x); }
inline float acos(float x) { return ::acosf(x); }
inline float atan(float x) { return ::atanf(x); }
inline float sinh(float x) { return ::sinhf(x); }
inline float cosh(float x) { return ::coshf(x); }
inline float tanh(float x) { return ::tanhf(x); }
inline float erf(float x) { return ::erff(x); }
inline float pow(float x, float y) { return ::powf(x, y); }
inline double exp(double x) { return ::exp(x); }
inline double expm1(double x) { return ::expm1(x); }
inline double log(double x) { return ::log(x); }
inline double log1p(double x) { return ::log1p(x); }
inline double log2(double x) { return ::log2(x); }
inline double log10(double x) { return ::log10(x); }
inline double sin(double x) { return ::sin(x); }
inline double cos(double x) { return ::cos(x); }
inline double tan(double x) { return ::tan(x); }
inline double asin(double x) { return ::asin(x); }
inline double acos(double x) { return ::acos(x); }
inline double atan(double x) { return ::atan(x); }
inline double sinh(double x) { return ::sinh(x); }
inline double cosh(double x) { return ::cosh(x); }
inline double tanh(double x) { return ::tanh(x); }
inline double erf(double x) { return ::erf(x); }
inline double pow(double x, double y) { return ::pow(x, y); }
inline float sqrt(float x) { return __builtin_sqrtf(x); }
inline double sqrt(double x) { return __builtin_sqrt(x); }
inline float abs(float x) { return __builtin_fabsf(x); }
inline double abs(double x) { return __builtin_fabs(x); }
inline float floor(float x) { return __builtin_floorf(x); }
inline double floor(double x) { return __builtin_floor(x); }
inline float ceil(float x) { return __builtin_ceilf(x); }
inline double ceil(double x) { return __builtin_ceil(x); }
inline float trunc(float x) { return __builtin_truncf(x); }
inline double trunc(double x) { return __builtin_trunc(x); }
// Half to even.
inline float round(float x) { return __builtin_rintf(x); }
inline double round(double x) { return __builtin_rint(x); }
inline float sign(float x) { return float(x > 0) - float(x < 0); }
inline double sign(double x) { return double(x > 0) - double(x < 0); }
inline float sigmoid(float x) { return 1 / (1 + exp(-x)); }
inline double sigmoid(double x) { return 1 / (1 + exp(-x)); }
// Both values are computed, so that loops with it vectorise.
inline float pick(bool condition, float a, float b) { return condition ? a : b; }
inline double pick(bool condition, double a, double b) { return condition ? a : b; }

}  // namespace kiln::kernels::math
