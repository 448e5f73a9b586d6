#include <kiln/kernels/reduce/sort.h>

#include <kiln/kernels/reduce/cumsum.h>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "../both.h"
#include "../sample.h"

using namespace kiln;
using kernels::DimGeometry;
using test::run_on_both, test::sample, test::tolerance;

namespace {

struct Row {
  Shape x;
  int dim;
};

const Row kRows[] = {{{}, 0},        {{1}, 0},         {{37}, 0},      {{5, 100}, 1},
                     {{70, 6}, 0},   {{2, 130, 3}, 1}, {{3, 1024}, 1}, {{2, 5000}, 1},
                     {{2500, 2}, 0}, {{3, 0}, 0},      {{0, 3}, 1}};

}  // namespace

TEST_CASE("sort on the device") {
  for (const DType dtype : test::kElements)
    for (const Row& row : kRows)
      for (const bool descending : {false, true}) {
        CAPTURE(dtype);
        CAPTURE(row.x);
        CAPTURE(descending);
        const auto g = DimGeometry::along(row.x, row.dim);
        for (const int64_t k : {g.size, (g.size + 2) / 3}) {
          Shape kept = row.x;
          if (kept.rank() > 0) kept[row.dim] = k;
          const Tensor x = sample(row.x, dtype), values = empty(kept, {.dtype = dtype}),
                       indices = empty(kept, {.dtype = int64});
          const Tensors gpu = run_on_both({x, values, indices}, [&](auto& ctx, const Tensors& t) {
            kernels::sort(ctx, g, k, descending, t[0], t[1], t[2]);
          });
          REQUIRE(test::bits_equal(gpu[1], values));
          REQUIRE(test::bits_equal(gpu[2], indices));
        }
      }
}

TEST_CASE("sort on the device: NaN, zeros of both signs, infinities and the ends of the integers") {
  const double inf = INFINITY;
  const std::vector<double> odd = {0.0, -0.0, NAN, inf, -inf, -NAN, 1e-310, 0.0, -inf, inf, NAN, -0.0, -5};
  std::vector<int64_t> ends = {0, std::numeric_limits<int64_t>::max(), -1,
                               std::numeric_limits<int64_t>::min(), 0};
  for (const DType dtype : {float32, float64, float16, bfloat16, int64})
    for (const bool descending : {false, true}) {
      const Tensor x = dtype == int64 ? from_values(ends, {5}) : to(from_values(odd, {13}), dtype);
      const Tensor values = empty_like(x), indices = empty(x.shape(), {.dtype = int64});
      const Tensors gpu = run_on_both({x, values, indices}, [&](auto& ctx, const Tensors& t) {
        kernels::sort(ctx, {1, x.numel(), 1}, x.numel(), descending, t[0], t[1], t[2]);
      });
      CHECK(test::bits_equal(gpu[2], indices));
      CHECK(test::bits_equal(gpu[1], values));
    }
}

TEST_CASE("cumsum on the device") {
  for (const DType dtype : test::kElements)
    for (const Row& row : kRows)
      for (const bool reverse : {false, true}) {
        CAPTURE(dtype);
        CAPTURE(row.x);
        CAPTURE(reverse);
        const auto g = DimGeometry::along(row.x, row.dim);
        const Tensor x = sample(row.x, dtype),
                     y = empty(row.x, {.dtype = is_floating(dtype) ? dtype : int64});
        const Tensors gpu = run_on_both(
            {x, y}, [&](auto& ctx, const Tensors& t) { kernels::cumsum(ctx, g, reverse, t[0], t[1]); });
        REQUIRE(test::close(gpu[1], y, tolerance(dtype), tolerance(dtype) * std::sqrt(double(g.size))));
      }
}

TEST_CASE("cumsum on the device: infinity and NaN begin where they stand") {
  for (const int64_t at : {1, 700}) {
    const Tensor x = ones({1500});
    x.data<float>()[at] = INFINITY;
    x.data<float>()[at + 500] = NAN;
    const Tensor y = empty({1500});
    const Tensors gpu = run_on_both({x, y}, [](auto& ctx, const Tensors& t) {
      kernels::cumsum(ctx, {1, 1500, 1}, false, t[0], t[1]);
    });
    CHECK(test::close(gpu[1], y, 1e-6));
  }
}
