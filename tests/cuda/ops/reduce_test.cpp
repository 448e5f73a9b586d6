#include <kiln/kernels/reduce/reduce.h>

#include <kiln/kernels/reduce/extrema.h>
#include <kiln/kernels/reduce/norm.h>

#include <doctest/doctest.h>

#include <cmath>

#include "../both.h"
#include "../sample.h"

using namespace kiln;
using kernels::ReduceGeometry;
using test::run_on_both, test::sample, test::tolerance;

namespace {

struct Row {
  Shape shape;
  Dims dims;  // that go; none: all
};

const Row kRows[] = {{{}, {}},
                     {{7}, {}},
                     {{1031}, {}},
                     {{5, 1}, {1}},
                     {{0}, {}},
                     {{3, 0}, {1}},
                     {{0, 3}, {1}},
                     {{4, 33}, {1}},
                     {{33, 4}, {0}},
                     {{3, 1500}, {1}},
                     {{40, 70}, {0}},
                     {{37, 144}, {0}},
                     {{3, 50, 24}, {1}},
                     {{2, 3, 5, 7}, {0, 2, 3}},
                     {{2, 3, 5, 7}, {1}},
                     {{2, 3, 5, 7}, {1, 3}},
                     {{2, 3, 5, 7}, {0, 2}}};
// Cut into chunks, in rows and in columns.
const Row kLarge[] = {{{20011}, {}}, {{2, 9001}, {1}}, {{9001, 3}, {0}}, {{3, 3001, 2}, {1}}};

// The same elements in other orders of memory.
Tensors views(const Row& row, DType dtype) {
  const Tensor x = sample(row.shape, dtype);
  Tensors all = {x};
  if (x.dim() < 1) return all;
  Dims reversed;
  for (int d = x.dim() - 1; d >= 0; --d) reversed.push_back(d);
  all.push_back(permute(contiguous(permute(x, reversed)), reversed));
  if (x.numel() == 0) return all;
  Shape wider = row.shape;
  wider[x.dim() - 1] = 2 * wider[x.dim() - 1] + 1;
  all.push_back(slice(sample(wider, dtype), x.dim() - 1, 1, INT64_MAX, 2));
  Shape single = row.shape;
  single[0] = 1;
  all.push_back(expand(sample(single, dtype), row.shape));
  return all;
}

// Calls f(x, geometry, shape of y) for each row and view.
template <class Rows, class F>
void each_case(const Rows& rows, DType dtype, const F& f) {
  for (const Row& row : rows)
    for (const Tensor& x : views(row, dtype)) {
      CAPTURE(row.shape);
      CAPTURE(row.dims);
      CAPTURE(x.strides());
      const auto set = kernels::dim_set("test", row.dims, x.dim());
      f(x, ReduceGeometry::over(x.layout(), set), kernels::reduced_shape(x.shape(), set, false));
    }
}

template <class F>
void check(const Tensor& x, const Shape& shape, DType dtype, double terms, const F& kernel) {
  const Tensor y = empty(shape, {.dtype = dtype});
  const Tensors gpu = run_on_both({x, y}, [&](auto& ctx, const Tensors& t) { kernel(ctx, t[0], t[1]); });
  const double relative =
      dtype == float32 ? 1e-4 : tolerance(dtype);  // long runs of one value add up rounding
  REQUIRE(test::close(gpu[1], y, relative, tolerance(dtype) * std::sqrt(terms)));
}

template <class Rows>
void check_sums(const Rows& rows, DType dtype) {
  const DType wide = is_floating(dtype) ? dtype : int64;
  each_case(rows, dtype, [&](const Tensor& x, const ReduceGeometry& g, const Shape& shape) {
    const double terms = double(g.count);
    check(x, shape, wide, terms, [&](auto& ctx, auto& a, auto& b) { kernels::sum(ctx, g, a, b); });
    check(x, shape, bool8, terms, [&](auto& ctx, auto& a, auto& b) { kernels::any(ctx, g, a, b); });
    check(x, shape, bool8, terms, [&](auto& ctx, auto& a, auto& b) { kernels::all(ctx, g, a, b); });
    if (is_floating(dtype))
      check(x, shape, dtype, 1, [&](auto& ctx, auto& a, auto& b) { kernels::mean(ctx, g, a, b); });
    if (g.count <= 200)  // a product beyond is 0 or infinite
      check(x, shape, wide, 1, [&](auto& ctx, auto& a, auto& b) { kernels::prod(ctx, g, a, b); });
    if (g.count == 0) return;
    check(x, shape, dtype, 0, [&](auto& ctx, auto& a, auto& b) { kernels::amax(ctx, g, a, b); });
    check(x, shape, dtype, 0, [&](auto& ctx, auto& a, auto& b) { kernels::amin(ctx, g, a, b); });
  });
}

}  // namespace

TEST_CASE("sum, mean, prod, any, all, amax and amin on the device") {
  manual_seed(0);  // the CPU adds rows one by one, so its error for 9001 equal ones depends on their value
  for (const DType dtype : {float32, float16, int8}) {
    CAPTURE(dtype);
    check_sums(kLarge, dtype);
  }
  for (const DType dtype : test::kElements) {
    CAPTURE(dtype);
    check_sums(kRows, dtype);
  }
}

TEST_CASE("any and all on the device: one element decides") {
  for (const int64_t at : {0, 1, 500, 6000, 9999}) {
    Tensor x = zeros({10000}), z = ones({10000});
    x.data<float>()[at] = NAN;  // not zero
    z.data<float>()[at] = 0;
    const auto g = ReduceGeometry::over(x.layout(), 1);
    const Tensor y = empty({}, {.dtype = bool8}), w = empty({}, {.dtype = bool8});
    const Tensors gpu = run_on_both({x, z, y, w}, [&](auto& ctx, const Tensors& t) {
      kernels::any(ctx, g, t[0], t[2]);
      kernels::all(ctx, g, t[1], t[3]);
    });
    CHECK(gpu[2].item<int64_t>() == 1);
    CHECK(gpu[3].item<int64_t>() == 0);
  }
}

TEST_CASE("norm on the device") {
  for (const DType dtype : test::kFloating)
    for (const double p : {2.0, 1.0, 0.0, 3.0, 0.5, -1.5, double(INFINITY), -double(INFINITY)}) {
      CAPTURE(dtype);
      CAPTURE(p);
      each_case(kRows, dtype, [&](const Tensor& x, const ReduceGeometry& g, const Shape& shape) {
        check(x, shape, dtype, 1, [&](auto& ctx, auto& a, auto& b) { kernels::norm(ctx, g, p, a, b); });
      });
    }
}

TEST_CASE("max and min with their indices on the device") {
  const Row rows[] = {{{}, {}},         {{1031}, {0}},      {{4, 33}, {1}},    {{33, 4}, {0}},
                      {{3, 1500}, {1}}, {{2, 300, 5}, {1}}, {{2, 3, 70}, {0}}, {{9001, 2}, {0}},
                      {{2, 9001}, {1}}, {{37, 144}, {0}},   {{3, 50, 24}, {1}}};
  for (const DType dtype : test::kElements) {
    CAPTURE(dtype);
    each_case(rows, dtype, [&](const Tensor& x, const ReduceGeometry& g, const Shape& shape) {
      const Tensor values = empty(shape, {.dtype = dtype}), at = empty(shape, {.dtype = int64}),
                   alone = empty(shape, {.dtype = int64});
      const Tensors gpu = run_on_both({x, values, at, alone}, [&](auto& ctx, const Tensors& t) {
        kernels::max_with_index(ctx, g, t[0], t[1], t[2]);
        kernels::min_with_index(ctx, g, t[0], Tensor(), t[3]);
      });
      REQUIRE(test::bits_equal(gpu[1], values));
      REQUIRE(test::bits_equal(gpu[2], at));
      REQUIRE(test::bits_equal(gpu[3], alone));
    });
  }
}

TEST_CASE("extrema on the device: the first of equal ones, the first NaN") {
  for (const int64_t inner : {1, 3}) {
    Tensor x = zeros({6000, inner});
    for (const int64_t i : {5000, 4500, 70}) x.data<float>()[i * inner] = 7;
    if (inner > 1)
      for (const int64_t i : {5990, 4000, 44}) x.data<float>()[i * inner + 1] = i % 2 == 0 ? NAN : 9.0f;
    const auto g = ReduceGeometry::over(x.layout(), 1);
    const Tensor values = empty({inner}), at = empty({inner}, {.dtype = int64}), most = empty({inner});
    const Tensors gpu = run_on_both({x, values, at, most}, [&](auto& ctx, const Tensors& t) {
      kernels::max_with_index(ctx, g, t[0], t[1], t[2]);
      kernels::amax(ctx, g, t[0], t[3]);
    });
    CHECK(gpu[2].data<int64_t>()[0] == 70);
    CHECK(gpu[2].data<int64_t>()[inner - 1] == (inner > 1 ? 0 : 70));
    if (inner > 1) CHECK(gpu[2].data<int64_t>()[1] == 44);
    if (inner > 1) CHECK(std::isnan(gpu[3].data<float>()[1]));
    CHECK(test::bits_equal(gpu[2], at));
  }
}
