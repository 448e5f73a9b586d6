#include <kiln/kernels/softmax/softmax.h>

#include <limits>

#include <kiln/kernels/base/cpu/parallel.h>
#include <kiln/kernels/elementwise/math.h>
#include <kiln/kernels/softmax/cpu/softmax_row.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels {
namespace {

// Columns of a row-major [size, inner] block that are worked on side by side. A row (inner = 1) is one column
// of which `step` elements at a time fill the registers, so it has loops of its own.
constexpr int64_t kTile = 64;

template <class T, bool kLog>
void softmax_row(const T* x, T* y, int64_t size) {
  using A = accumulate_t<T>;
  const A largest = cpu::largest_of(x, size), total = cpu::sum_of_exp(x, size, largest);
  if constexpr (kLog) {
    const A shift = std::log(total);
    for (int64_t i = 0; i < size; ++i) y[i] = T(A(x[i]) - largest - shift);
  } else {
    cpu::exp_row(x, y, size, largest, 1 / total);
  }
}

template <class T, bool kLog>
void softmax_tile(const T* x, T* y, int64_t size, int64_t inner, int64_t columns) {
  using A = accumulate_t<T>;
  A largest[kTile], total[kTile];
  for (int64_t j = 0; j < columns; ++j) {
    largest[j] = -std::numeric_limits<A>::infinity();
    total[j] = 0;
  }
  for (int64_t i = 0; i < size; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      const A value = x[i * inner + j];
      largest[j] = value > largest[j] ? value : largest[j];
    }
  for (int64_t i = 0; i < size; ++i)
    for (int64_t j = 0; j < columns; ++j) total[j] += math::exp(A(x[i * inner + j]) - largest[j]);
  for (int64_t j = 0; j < columns; ++j) total[j] = kLog ? math::log(total[j]) : 1 / total[j];
  for (int64_t i = 0; i < size; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      const A shifted = A(x[i * inner + j]) - largest[j];
      y[i * inner + j] = T(kLog ? shifted - total[j] : math::exp(shifted) * total[j]);
    }
}

template <class T, bool kLog>
void backward_row(const T* y, const T* g, T* dx, int64_t size) {
  using A = accumulate_t<T>;
  A total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < size; ++i) total += kLog ? A(g[i]) : A(g[i]) * A(y[i]);
  for (int64_t i = 0; i < size; ++i)
    dx[i] = T(kLog ? A(g[i]) - math::exp(A(y[i])) * total : A(y[i]) * (A(g[i]) - total));
}

template <class T, bool kLog>
void backward_tile(const T* y, const T* g, T* dx, int64_t size, int64_t inner, int64_t columns) {
  using A = accumulate_t<T>;
  A total[kTile] = {};
  for (int64_t i = 0; i < size; ++i)
    for (int64_t j = 0; j < columns; ++j)
      total[j] += kLog ? A(g[i * inner + j]) : A(g[i * inner + j]) * A(y[i * inner + j]);
  for (int64_t i = 0; i < size; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      const A value = y[i * inner + j], slope = g[i * inner + j];
      dx[i * inner + j] = T(kLog ? slope - math::exp(value) * total[j] : value * (slope - total[j]));
    }
}

// row(offset) for each line when inner is 1, else tile(offset, columns) for each tile of lines.
template <class Row, class Tile>
void for_each_line(const CpuContext& ctx, const SoftmaxGeometry& geometry, const Row& row, const Tile& tile) {
  const auto [outer, size, inner] = geometry;
  if (inner == 1) {
    const int64_t grain = std::max<int64_t>(1, kGrain / cpu::kExpCost / size);
    return parallel_for(ctx, outer, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) row(i * size);
    });
  }
  const int64_t tiles = (inner + kTile - 1) / kTile;
  const int64_t grain = std::max<int64_t>(1, kGrain / cpu::kExpCost / size / kTile);
  parallel_for(ctx, outer * tiles, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t column = i % tiles * kTile;
      tile(i / tiles * size * inner + column, std::min(kTile, inner - column));
    }
  });
}

template <bool kLog>
void forward(const CpuContext& ctx, const char* op, const SoftmaxGeometry& g, TensorView x, TensorView y) {
  visit_floating(x.dtype, op, [&]<class T>() {
    const T* in = x.as<T>();
    T* out = y.as<T>();
    for_each_line(
        ctx, g, [&](int64_t at) { softmax_row<T, kLog>(in + at, out + at, g.size); },
        [&](int64_t at, int64_t n) { softmax_tile<T, kLog>(in + at, out + at, g.size, g.inner, n); });
  });
}

template <bool kLog>
void backward(const CpuContext& ctx, const char* op, const SoftmaxGeometry& geometry, TensorView y,
              TensorView g, TensorView dx) {
  visit_floating(y.dtype, op, [&]<class T>() {
    const T *value = y.as<T>(), *slope = g.as<T>();
    T* out = dx.as<T>();
    const int64_t size = geometry.size, inner = geometry.inner;
    for_each_line(
        ctx, geometry, [&](int64_t at) { backward_row<T, kLog>(value + at, slope + at, out + at, size); },
        [&](int64_t at, int64_t n) {
          backward_tile<T, kLog>(value + at, slope + at, out + at, size, inner, n);
        });
  });
}

}  // namespace

void softmax(CpuContext& ctx, const SoftmaxGeometry& g, TensorView x, TensorView y) {
  forward<false>(ctx, "softmax", g, x, y);
}
void log_softmax(CpuContext& ctx, const SoftmaxGeometry& g, TensorView x, TensorView y) {
  forward<true>(ctx, "log_softmax", g, x, y);
}
void softmax_backward(CpuContext& ctx, const SoftmaxGeometry& geometry, TensorView y, TensorView g,
                      TensorView dx) {
  backward<false>(ctx, "softmax_backward", geometry, y, g, dx);
}
void log_softmax_backward(CpuContext& ctx, const SoftmaxGeometry& geometry, TensorView y, TensorView g,
                          TensorView dx) {
  backward<true>(ctx, "log_softmax_backward", geometry, y, g, dx);
}

}  // namespace kiln::kernels
