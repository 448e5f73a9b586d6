#include <kiln/kernels/matmul/cpu/gemm_blocked.h>

#include <algorithm>
#include <cstring>

#include <kiln/kernels/base/cpu/parallel_rows.h>
#include <kiln/kernels/base/cpu/scratch.h>

namespace kiln::kernels {
namespace {

// A task computes one tile of c. Its packed panels of a (kTileM x kTileK) and b (kTileK x kTileN) stay in L2;
// kRows x kColumns accumulators of one register tile fill half of the vector registers.
constexpr int64_t kTileM = 96, kTileN = 192, kTileK = 256;
constexpr int64_t kRows = 8;

// Integers wrap around, which is defined for unsigned types only.
template <class T>
struct Wrapping {
  using type = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
};
template <>
struct Wrapping<double> {
  using type = double;
};

template <class T>
struct Kernel {
  using Acc = typename Wrapping<T>::type;
  using Vector [[gnu::vector_size(64)]] = Acc;
  static constexpr int64_t kLanes = 64 / sizeof(Acc), kColumns = 2 * kLanes;

  // a's panel: for each group of kRows rows, k by k; zeros beyond the edge.
  static void pack_a(const T* a, const GemmGeometry::Matrix& s, int64_t rows, int64_t depth, Acc* out) {
    for (int64_t i = 0; i < rows; i += kRows)
      for (int64_t p = 0; p < depth; ++p)
        for (int64_t r = 0; r < kRows; ++r)
          *out++ = i + r < rows ? Acc(a[(i + r) * s.row + p * s.column]) : Acc(0);
  }
  static void pack_b(const T* b, const GemmGeometry::Matrix& s, int64_t columns, int64_t depth, Acc* out) {
    for (int64_t j = 0; j < columns; j += kColumns)
      for (int64_t p = 0; p < depth; ++p)
        for (int64_t l = 0; l < kColumns; ++l)
          *out++ = j + l < columns ? Acc(b[p * s.row + (j + l) * s.column]) : Acc(0);
  }

  static void multiply(const Acc* a, const Acc* b, int64_t depth, Acc (&result)[kRows][kColumns]) {
    Vector left[kRows] = {}, right[kRows] = {};
    for (int64_t p = 0; p < depth; ++p, a += kRows, b += kColumns) {
      const Vector b0 = *reinterpret_cast<const Vector*>(b),
                   b1 = *reinterpret_cast<const Vector*>(b + kLanes);
      for (int r = 0; r < kRows; ++r) {
        left[r] += a[r] * b0;
        right[r] += a[r] * b1;
      }
    }
    for (int r = 0; r < kRows; ++r) {
      std::memcpy(result[r], &left[r], sizeof(Vector));
      std::memcpy(result[r] + kLanes, &right[r], sizeof(Vector));
    }
  }
};

// The old value counts only when beta is not zero, so that NaN in fresh memory does no harm.
template <class T, class Acc>
T finish(Acc product, const T* bias, double beta, T old) {
  if (bias != nullptr) product += Acc(*bias);
  if (beta != 0) product += scaled<Acc>(beta, old);
  return T(product);
}

template <class T>
void tile(const GemmGeometry& g, const T* a, const T* b, const T* bias, T* c, int64_t rows, int64_t columns,
          double beta, typename Kernel<T>::Acc* a_panel) {
  using K = Kernel<T>;
  using Acc = typename K::Acc;
  Acc* b_panel = a_panel + kTileM * kTileK;
  for (int64_t p = 0; p < g.k; p += kTileK) {
    const int64_t depth = std::min(kTileK, g.k - p);
    K::pack_a(a + p * g.a.column, g.a, rows, depth, a_panel);
    K::pack_b(b + p * g.b.row, g.b, columns, depth, b_panel);
    for (int64_t j = 0; j < columns; j += K::kColumns)
      for (int64_t i = 0; i < rows; i += kRows) {
        Acc result[kRows][K::kColumns];
        K::multiply(a_panel + i * depth, b_panel + j * depth, depth, result);
        for (int64_t r = 0; r < std::min(kRows, rows - i); ++r)
          for (int64_t l = 0; l < std::min(K::kColumns, columns - j); ++l) {
            T& out = c[(i + r) * g.c.row + (j + l) * g.c.column];
            out = p == 0 ? finish(result[r][l], bias ? bias + j + l : nullptr, beta, out)
                         : T(Acc(out) + result[r][l]);
          }
      }
  }
}

}  // namespace

template <class T>
void gemm_blocked(CpuContext& ctx, const GemmGeometry& g, const T* a, const T* b, const T* bias, T* c,
                  double beta) {
  const int64_t down = (g.m + kTileM - 1) / kTileM, across = (g.n + kTileN - 1) / kTileN;
  const int64_t task_cost = std::min(g.m, kTileM) * std::min(g.n, kTileN) * g.k;
  parallel_for(ctx, g.batch * down * across, grain_of(task_cost), [&](int64_t begin, int64_t end) {
    const cpu::Scratch<typename Kernel<T>::Acc> scratch((kTileM + kTileN) * kTileK);
    for (int64_t task = begin; task < end; ++task) {
      const int64_t i = task / across % down * kTileM, j = task % across * kTileN,
                    item = task / (down * across);
      tile(g, a + item * g.a.batch + i * g.a.row, b + item * g.b.batch + j * g.b.column,
           bias ? bias + j : nullptr, c + item * g.c.batch + i * g.c.row + j * g.c.column,
           std::min(kTileM, g.m - i), std::min(kTileN, g.n - j), beta, scratch.data());
    }
  });
}

template void gemm_blocked(CpuContext&, const GemmGeometry&, const double*, const double*, const double*,
                           double*, double);
template void gemm_blocked(CpuContext&, const GemmGeometry&, const int64_t*, const int64_t*, const int64_t*,
                           int64_t*, double);
template void gemm_blocked(CpuContext&, const GemmGeometry&, const int32_t*, const int32_t*, const int32_t*,
                           int32_t*, double);
template void gemm_blocked(CpuContext&, const GemmGeometry&, const int16_t*, const int16_t*, const int16_t*,
                           int16_t*, double);
template void gemm_blocked(CpuContext&, const GemmGeometry&, const int8_t*, const int8_t*, const int8_t*,
                           int8_t*, double);
template void gemm_blocked(CpuContext&, const GemmGeometry&, const uint8_t*, const uint8_t*, const uint8_t*,
                           uint8_t*, double);

}  // namespace kiln::kernels
