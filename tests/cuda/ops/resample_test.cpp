#include <kiln/kernels/resample/resample.h>

#include <doctest/doctest.h>

#include "../both.h"
#include "../sample.h"

using namespace kiln;
using kernels::ResampleGeometry, kernels::ResampleTable;
using test::run_on_both, test::sample, test::tolerance;

namespace {

void check(const ResampleTable& table, int64_t outer, int64_t inner, DType dtype) {
  std::vector<int32_t> span;
  std::vector<double> weight(size_t(table.out * table.taps()), 0);
  for (size_t i = 0; i < table.rows.size(); ++i) {
    span.insert(span.end(), {table.rows[i].begin, int32_t(table.rows[i].weights.size())});
    std::copy(table.rows[i].weights.begin(), table.rows[i].weights.end(),
              weight.begin() + int64_t(i) * table.taps());
  }
  const Tensor spans = from_values(span, {table.out, 2}),
               weights =
                   to(from_values(weight, {table.out, table.taps()}), dtype == float64 ? float64 : float32);
  const Tensor x = sample({outer, table.in, inner}, dtype),
               y = empty({outer, table.out, inner}, {.dtype = dtype});
  const ResampleGeometry g{outer, table.in, table.out, inner, table.taps()};
  const Tensors gpu = run_on_both({x, spans, weights, y}, [&](auto& ctx, const Tensors& t) {
    kernels::resample(ctx, g, t[0], t[1], t[2], t[3]);
  });
  CHECK(test::close(gpu[3], y, tolerance(dtype), tolerance(dtype)));
}

}  // namespace

TEST_CASE("resample and its adjoint on the device") {
  struct Sides {
    int64_t in, out;
  };
  for (const DType dtype : test::kFloating)
    for (const auto mode : {InterpolateMode::nearest, InterpolateMode::bilinear, InterpolateMode::bicubic})
      for (const Sides& side : {Sides{5, 9}, Sides{9, 4}, Sides{1, 3}})
        for (const bool antialias : {false, true}) {
          if (antialias && mode == InterpolateMode::nearest) continue;
          CAPTURE(dtype);
          CAPTURE(side.in);
          const auto table =
              ResampleTable::of(mode, side.in, side.out, kernels::resample_scale(side.in, side.out, false),
                                false, antialias, dtype == float64);
          for (const int64_t inner : {1, 3, 16}) {
            check(table, 4, inner, dtype);
            check(table.transposed(), 4, inner, dtype);
          }
          check(table, 0, 3, dtype);
        }
}
