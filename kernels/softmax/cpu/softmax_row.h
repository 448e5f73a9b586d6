#pragma once

// For sources of kernels only: exponentials of a row.

#include <limits>

#include <kiln/kernels/elementwise/math.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels::cpu {

// An exponential costs about as much as this many of the element operations that kGrain counts.
inline constexpr int64_t kExpCost = 8;

// The widest vector, in floats. What is left of a row is padded to it: rows of ten classes are common, and
// ten scalar exponentials cost ten times a vector's.
inline constexpr int64_t kExpWidth = 16;

template <class T>
accumulate_t<T> largest_of(const T* x, int64_t size) {
  using A = accumulate_t<T>;
  A largest = -std::numeric_limits<A>::infinity();
#pragma omp simd reduction(max : largest)
  for (int64_t i = 0; i < size; ++i) largest = A(x[i]) > largest ? A(x[i]) : largest;
  return largest;
}

// y = exp(x - shift) * scale.
template <class T>
void exp_row(const T* x, T* y, int64_t size, accumulate_t<T> shift, accumulate_t<T> scale) {
  using A = accumulate_t<T>;
  const int64_t whole = size / kExpWidth * kExpWidth, rest = size - whole;
  for (int64_t i = 0; i < whole; ++i) y[i] = T(math::exp(A(x[i]) - shift) * scale);
  if (rest == 0) return;
  alignas(64) A tail[kExpWidth] = {};
  for (int64_t i = 0; i < rest; ++i) tail[i] = A(x[whole + i]) - shift;
#pragma omp simd
  for (int64_t i = 0; i < kExpWidth; ++i) tail[i] = math::exp(tail[i]) * scale;
  for (int64_t i = 0; i < rest; ++i) y[whole + i] = T(tail[i]);
}

// The sum of exp(x - shift).
template <class T>
accumulate_t<T> sum_of_exp(const T* x, int64_t size, accumulate_t<T> shift) {
  using A = accumulate_t<T>;
  const int64_t whole = size / kExpWidth * kExpWidth, rest = size - whole;
  A total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < whole; ++i) total += math::exp(A(x[i]) - shift);
  if (rest == 0) return total;
  // Padded with 0, not -inf: the vector function works out of its range lane by lane.
  alignas(64) A tail[kExpWidth] = {};
  for (int64_t i = 0; i < rest; ++i) tail[i] = A(x[whole + i]) - shift;
#pragma omp simd
  for (int64_t i = 0; i < kExpWidth; ++i) tail[i] = math::exp(tail[i]);
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < kExpWidth; ++i) total += i < rest ? tail[i] : A(0);
  return total;
}

}  // namespace kiln::kernels::cpu
