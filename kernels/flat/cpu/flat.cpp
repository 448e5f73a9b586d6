#include <kiln/kernels/flat/flat.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include <kiln/kernels/base/cpu/parallel.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels {
namespace {

// Pieces of at most this many elements are reduced by one thread each, and their results in order, so that a
// sum does not depend on the number of threads.
constexpr int64_t kPiece = 16384;

// Both lists keep their memory from call to call.
struct Pieces {
  std::vector<FlatSpan> spans;
  std::vector<double> results;
  int64_t elements = 0;
};

Pieces& cut(FlatSpans xs) {
  thread_local Pieces pieces;
  pieces.spans.clear();
  pieces.elements = 0;
  for (const FlatSpan& x : xs) {
    pieces.elements += x.count;
    for (int64_t begin = 0; begin < x.count; begin += kPiece)
      pieces.spans.push_back({static_cast<char*>(x.data) + begin * size_of(x.dtype), x.dtype,
                              std::min(kPiece, x.count - begin)});
  }
  pieces.results.assign(pieces.spans.size(), 0);
  return pieces;
}

// f(piece, result) for each piece.
template <class F>
void for_pieces(CpuContext& ctx, Pieces& pieces, F&& f) {
  const int64_t count = int64_t(pieces.spans.size());
  const int64_t grain = pieces.elements <= kGrain ? count : 1;
  parallel_for(ctx, count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(pieces.spans[size_t(i)], pieces.results[size_t(i)]);
  });
}

// f(element) -> element for each element.
template <class F>
void for_elements(CpuContext& ctx, const char* op, FlatSpans xs, F&& f) {
  for_pieces(ctx, cut(xs), [&](const FlatSpan& piece, double&) {
    visit_floating(piece.dtype, op, [&]<class T>() {
      using A = accumulate_t<T>;
      T* x = static_cast<T*>(piece.data);
#pragma omp simd
      for (int64_t i = 0; i < piece.count; ++i) x[i] = T(f(A(x[i])));
    });
  });
}

template <class T, class F>
double sum_of(const T* x, int64_t count, F&& f) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < count; ++i) sum += f(double(accumulate_t<T>(x[i])));
  return sum;
}

template <class T>
double largest_of(const T* x, int64_t count) {
  using A = accumulate_t<T>;
  A largest = 0;
  int nans = 0;
#pragma omp simd reduction(max : largest) reduction(+ : nans)
  for (int64_t i = 0; i < count; ++i) {
    const A a = std::abs(A(x[i]));
    largest = a > largest ? a : largest;
    nans += a != a;
  }
  return nans > 0 ? std::nan("") : double(largest);
}

template <class T>
double piece_norm(const T* x, int64_t count, double p) {
  if (std::isinf(p)) return largest_of(x, count);
  if (p == 2) return sum_of(x, count, [](double a) { return a * a; });
  if (p == 1) return sum_of(x, count, [](double a) { return std::abs(a); });
  return sum_of(x, count, [p](double a) { return std::pow(std::abs(a), p); });
}

}  // namespace

void flat_norm(CpuContext& ctx, FlatSpans xs, double p, TensorView norm) {
  Pieces& pieces = cut(xs);
  for_pieces(ctx, pieces, [p](const FlatSpan& piece, double& result) {
    result = visit_floating(piece.dtype, "norm", [&]<class T>() {
      return piece_norm(static_cast<const T*>(piece.data), piece.count, p);
    });
  });
  double total = 0;
  for (const double result : pieces.results)
    total = !std::isinf(p) ? total + result : result > total || std::isnan(result) ? result : total;
  *norm.as<double>() = std::isinf(p) ? total : p == 2 ? std::sqrt(total) : std::pow(total, 1 / p);
}

void flat_clip_norm(CpuContext& ctx, FlatSpans xs, double max_norm, TensorView norm) {
  const double factor = max_norm / (*norm.as<double>() + 1e-6);
  if (factor >= 1) return;
  for_elements(ctx, "clip_grad_norm_", xs, [factor]<class A>(A x) { return x * A(factor); });
}

void flat_clamp(CpuContext& ctx, FlatSpans xs, double low, double high) {
  for_elements(ctx, "clip_grad_value_", xs, [low, high]<class A>(A x) {
    const A raised = x < A(low) ? A(low) : x;
    return raised > A(high) ? A(high) : raised;
  });
}

void flat_zero(CpuContext& ctx, FlatSpans xs) {
  for_pieces(ctx, cut(xs), [](const FlatSpan& piece, double&) {
    std::memset(piece.data, 0, size_t(piece.count * size_of(piece.dtype)));
  });
}

void flat_all_finite(CpuContext& ctx, FlatSpans xs, TensorView finite) {
  Pieces& pieces = cut(xs);
  for_pieces(ctx, pieces, [](const FlatSpan& piece, double& result) {
    result = visit_floating(piece.dtype, "all_finite", [&]<class T>() {
      // 0 * x is 0 for a finite x and NaN for the others.
      return sum_of(static_cast<const T*>(piece.data), piece.count, [](double a) { return 0 * a; });
    });
  });
  bool all = true;
  for (const double result : pieces.results) all = all && result == 0;
  *finite.as<bool>() = all;
}

void flat_unscale(CpuContext& ctx, FlatSpans xs, TensorView scale, TensorView found) {
  const float inverse = 1 / *scale.as<float>();
  Pieces& pieces = cut(xs);
  for_pieces(ctx, pieces, [inverse](const FlatSpan& piece, double& result) {
    result = visit_floating(piece.dtype, "unscale_", [&]<class T>() {
      using A = accumulate_t<T>;
      T* x = static_cast<T*>(piece.data);
      A zero = 0;
#pragma omp simd reduction(+ : zero)
      for (int64_t i = 0; i < piece.count; ++i) {
        const A value = A(x[i]);
        zero += 0 * value;  // NaN where it is not finite
        x[i] = T(value * A(inverse));
      }
      return double(zero);
    });
  });
  for (const double result : pieces.results)
    if (result != 0) *found.as<int32_t>() = 1;
}

}  // namespace kiln::kernels
