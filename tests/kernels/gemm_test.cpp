#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include <kiln/kernels/base/primitives.h>
#include <kiln/kernels/matmul/gemm.h>

using namespace kiln;
using kernels::gemm, kernels::GemmGeometry;

namespace {

template <class T>
Tensor random_tensor(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<T> values(static_cast<size_t>(count));
  for (T& value : values)
    value = std::is_integral_v<T> ? T(int(random() % 7) - 3) : T(float(random() % 2001) / 1000.f - 1.f);
  return from_values(values, {count});
}

enum class Order { rows, columns, spread };

// Strides of a [batch, rows, columns] operand, and the memory it needs.
GemmGeometry::Matrix strides(Order order, int64_t rows, int64_t columns, bool repeat) {
  const int64_t batch = repeat ? 0 : rows * columns + 5;
  if (order == Order::rows) return {columns, 1, batch};
  if (order == Order::columns) return {1, rows, batch};
  return {2 * columns + 1, 2, repeat ? 0 : 3 * (rows * columns + rows + 7)};
}
int64_t memory_of(const GemmGeometry::Matrix& s, int64_t batch, int64_t rows, int64_t columns) {
  if (rows * columns == 0) return 0;
  return (batch - 1) * s.batch + (rows - 1) * s.row + (columns - 1) * s.column + 1;
}

// As T holds it; integers wrap around.
template <class T>
double rounded(double value) {
  if constexpr (std::is_integral_v<T>)
    return double(T(int64_t(value)));
  else
    return double(T(value));
}

template <class T>
void check_gemm(GemmGeometry g, bool has_bias, double beta, double tolerance) {
  CAPTURE(g.batch);
  CAPTURE(g.m);
  CAPTURE(g.n);
  CAPTURE(g.k);
  CAPTURE(has_bias);
  CAPTURE(beta);
  const Tensor a = random_tensor<T>(memory_of(g.a, g.batch, g.m, g.k), 1),
               b = random_tensor<T>(memory_of(g.b, g.batch, g.k, g.n), 2), bias = random_tensor<T>(g.n, 3),
               c = random_tensor<T>(memory_of(g.c, g.batch, g.m, g.n), 4);
  const std::vector<double> old = c.to_vector<double>(), x = a.to_vector<double>(), y = b.to_vector<double>(),
                            v = bias.to_vector<double>();
  gemm(CpuContext::current(), g, a, b, has_bias ? bias : Tensor(), c, beta);
  const std::vector<double> result = c.to_vector<double>();
  double worst = 0;
  for (int64_t item = 0; item < g.batch; ++item)
    for (int64_t i = 0; i < g.m; ++i)
      for (int64_t j = 0; j < g.n; ++j) {
        const size_t at = size_t(item * g.c.batch + i * g.c.row + j * g.c.column);
        double sum = (has_bias ? v[size_t(j)] : 0) + beta * old[at];
        for (int64_t p = 0; p < g.k; ++p)
          sum += x[size_t(item * g.a.batch + i * g.a.row + p * g.a.column)] *
                 y[size_t(item * g.b.batch + p * g.b.row + j * g.b.column)];
        worst = std::max(worst, std::abs(rounded<T>(sum) - result[at]) / std::max(1., std::abs(sum)));
      }
  CHECK(worst <= tolerance);
}

template <class T>
void check_all(double tolerance) {
  struct Row {
    int64_t batch, m, n, k;
  };
  for (const Row& row : {Row{1, 15, 3, 1},
                         {1, 1, 1, 1},
                         {3, 1, 2, 5},
                         {1, 33, 70, 45},
                         {1, 130, 17, 300},
                         {1, 1, 300, 64},
                         {1, 64, 1, 100},
                         {4, 20, 30, 10},
                         {2, 3, 5, 0},
                         {5, 1, 40, 40},
                         {1, 200, 210, 3}})
    for (const Order a : {Order::rows, Order::columns, Order::spread})
      for (const Order b : {Order::rows, Order::columns, Order::spread})
        for (const int repeat : {0, 1, 2}) {
          if (row.batch == 1 && repeat != 0) continue;
          GemmGeometry g{row.batch, row.m, row.n, row.k};
          g.a = strides(a, row.m, row.k, repeat == 1);
          g.b = strides(b, row.k, row.n, repeat == 2);
          g.c = strides(b == Order::columns && a == Order::columns ? Order::columns : Order::rows, row.m,
                        row.n, false);
          check_gemm<T>(g, repeat == 0, repeat == 1 ? 1. : 0., tolerance);
        }
}

}  // namespace

TEST_CASE("gemm agrees with a naive product") {
  check_all<float>(3e-5);
  check_all<double>(1e-13);
  check_all<int64_t>(0);
  check_all<int32_t>(0);
  check_all<int8_t>(0);
  check_all<Half>(2e-3);
  check_all<BFloat16>(1.6e-2);
}

TEST_CASE("gemm overwrites NaN when beta is 0") {
  for (const int64_t size : {2, 40}) {
    GemmGeometry g{1, size, size, size, {size, 1}, {size, 1}, {size, 1}};
    const Tensor a = random_tensor<float>(size * size, 1), c = empty({size * size});
    for (int64_t i = 0; i < size * size; ++i) c.data<float>()[i] = NAN;
    gemm(CpuContext::current(), g, a, a, Tensor(), c);
    for (const double value : c.to_vector<double>()) CHECK(std::isfinite(value));
  }
}

TEST_CASE("gemm makes a primitive once for a geometry") {
  GemmGeometry g{1, 31, 37, 41, {41, 1}, {37, 1}, {37, 1}};
  const Tensor a = random_tensor<float>(31 * 41, 1), b = random_tensor<float>(37 * 41, 2),
               c = empty({31 * 37});
  gemm(CpuContext::current(), g, a, b, Tensor(), c);
  const int64_t before = kernels::primitives_created();
  gemm(CpuContext::current(), g, a, b, Tensor(), c);
  CHECK(kernels::primitives_created() == before);
}
