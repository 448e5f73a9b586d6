#include <kiln/kernels/matmul/gemm.h>

#include <doctest/doctest.h>

#include <kiln/autograd/ops.h>
#include <kiln/kernels/elementwise/copy.h>
#include <kiln/tensor/settings.h>

#include "../both.h"

using namespace kiln;
using kernels::GemmGeometry;
using test::close, test::run_on_both;

namespace {

enum class Order { rows, columns, spread };

// Strides of a [batch, rows, columns] operand, and the memory it needs.
GemmGeometry::Matrix strides(Order order, int64_t rows, int64_t columns, bool repeat) {
  const int64_t batch = repeat ? 0 : rows * columns + 5;
  if (order == Order::rows) return {columns, 1, batch};
  if (order == Order::columns) return {1, rows, batch};
  return {2 * columns + 1, 2, repeat ? 0 : 3 * (rows * columns + rows + 7)};
}
int64_t memory_of(const GemmGeometry::Matrix& s, int64_t batch, int64_t rows, int64_t columns) {
  if (batch * rows * columns == 0) return 0;
  return (batch - 1) * s.batch + (rows - 1) * s.row + (columns - 1) * s.column + 1;
}

Tensor values(int64_t count, DType dtype, int seed) {
  std::vector<double> v(static_cast<size_t>(count));
  for (size_t i = 0; i < v.size(); ++i) {
    const size_t number = (i * 7919 + size_t(seed) * 131) % 1009;
    v[i] = is_floating(dtype) ? double(number) / 504 - 1 : double(number % 7) - 3;
  }
  const Tensor x = from_values(v, {count}), y = empty({count}, {.dtype = dtype});
  kernels::copy(CpuContext::current(), x, y);
  return y;
}

void check(GemmGeometry g, DType dtype, bool has_bias, double beta) {
  CAPTURE(dtype);
  CAPTURE(g.batch);
  CAPTURE(g.m);
  CAPTURE(g.n);
  CAPTURE(g.k);
  CAPTURE(has_bias);
  CAPTURE(beta);
  const Tensor a = values(memory_of(g.a, g.batch, g.m, g.k), dtype, 1),
               b = values(memory_of(g.b, g.batch, g.k, g.n), dtype, 2), bias = values(g.n, dtype, 3),
               c = values(memory_of(g.c, g.batch, g.m, g.n), dtype, 4);
  const Tensors gpu = run_on_both({a, b, bias, c}, [&](auto& ctx, const Tensors& t) {
    kernels::gemm(ctx, g, t[0], t[1], has_bias ? t[2] : Tensor(), t[3], beta);
  });
  const double step = dtype == float64    ? 1e-12
                      : dtype == float32  ? 1e-5
                      : dtype == float16  ? 0x1p-10
                      : dtype == bfloat16 ? 0x1p-7
                                          : 0;
  REQUIRE(close(gpu[3], c, 2 * step, 2 * step));
}

}  // namespace

TEST_CASE("products of matrices on the device") {
  struct Row {
    int64_t batch, m, n, k;
  };
  const Row rows[] = {{1, 1, 1, 1},    {1, 5, 3, 7},    {1, 64, 64, 16}, {1, 65, 63, 17},
                      {3, 33, 70, 40}, {1, 130, 10, 0}, {2, 0, 4, 3},    {2, 4, 0, 3},
                      {1, 1, 200, 33}, {1, 200, 1, 33}, {0, 4, 4, 4}};
  for (const DType dtype : {float32, float64, float16, bfloat16, int64, int32, int8, uint8})
    for (const Row& row : rows)
      for (const Order order : {Order::rows, Order::columns}) {
        GemmGeometry g{row.batch, row.m, row.n, row.k, {}, {}, {}};
        g.a = strides(order, row.m, row.k, false);
        g.b = strides(order == Order::rows ? Order::columns : Order::rows, row.k, row.n, row.batch > 1);
        g.c = strides(Order::rows, row.m, row.n, false);
        check(g, dtype, order == Order::rows, order == Order::rows ? 0 : 1);
      }
}

TEST_CASE("products of spread matrices on the device") {
  for (const DType dtype : {float32, float64, int32}) {
    GemmGeometry g{2, 20, 30, 25, {}, {}, {}};
    g.a = strides(Order::spread, g.m, g.k, true);
    g.b = strides(Order::spread, g.k, g.n, false);
    g.c = strides(Order::columns, g.m, g.n, false);
    check(g, dtype, true, 0.5);
  }
}

TEST_CASE("products of float32 on the device in less than float32") {
  for (const Float32Precision precision : {Float32Precision::high, Float32Precision::medium}) {
    set_float32_matmul_precision(precision);
    GemmGeometry g{1, 20, 30, 25, {}, {}, {}};
    g.a = strides(Order::rows, g.m, g.k, false);
    g.b = strides(Order::rows, g.k, g.n, false);
    g.c = strides(Order::rows, g.m, g.n, false);
    const Tensor a = values(g.m * g.k, float32, 1), b = values(g.k * g.n, float32, 2), c = zeros({g.m * g.n});
    const Tensors gpu = run_on_both({a, b, c}, [&](auto& ctx, const Tensors& t) {
      kernels::gemm(ctx, g, t[0], t[1], Tensor(), t[2], 0);
    });
    CHECK(close(gpu[2], c, 0, 0.1));
  }
  set_float32_matmul_precision(Float32Precision::highest);
}
