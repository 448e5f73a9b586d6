#include <kiln/kernels/norm/layer_norm.h>

#include <doctest/doctest.h>

#include <cmath>

#include "../both.h"
#include "../sample.h"

using namespace kiln;
using kernels::LayerNormGeometry;
using test::run_on_both, test::sample, test::tolerance;

TEST_CASE("layer_norm, its gradient and its sums on the device") {
  const Shape shapes[] = {{1, 1}, {3, 5}, {9, 32}, {2, 1000}, {3, 2048}, {2, 3001}, {200, 40}, {0, 4}};
  for (const DType dtype : test::kFloating)
    for (const Shape& shape : shapes)
      for (const bool affine : {true, false}) {
        CAPTURE(dtype);
        CAPTURE(shape);
        CAPTURE(affine);
        const DType type = dtype == float64 ? float64 : float32;
        const LayerNormGeometry geometry{shape[0], shape[1]};
        const Tensor x = sample(shape, dtype), g = sample(shape, dtype), weight = sample({shape[1]}, type),
                     bias = sample({shape[1]}, type), y = empty(shape, {.dtype = dtype}),
                     mean = empty({shape[0]}, {.dtype = type}), rstd = empty({shape[0]}, {.dtype = type}),
                     dx = empty(shape, {.dtype = dtype}), dweight = empty({shape[1]}, {.dtype = type}),
                     dbias = empty({shape[1]}, {.dtype = type});
        const Tensors gpu = run_on_both(
            {x, g, weight, bias, y, mean, rstd, dx, dweight, dbias}, [&](auto& ctx, const Tensors& t) {
              const Tensor w = affine ? t[2] : Tensor(), b = affine ? t[3] : Tensor();
              kernels::layer_norm(ctx, geometry, t[0], w, b, 1e-5, t[4], t[5], t[6]);
              kernels::layer_norm_input_grad(ctx, geometry, t[0], t[1], w, t[5], t[6], t[7]);
              kernels::layer_norm_sums(ctx, geometry, t[0], t[1], t[5], t[6], t[8], t[9]);
            });
        const double sums = 10 * tolerance(type), close = 4 * std::max(tolerance(dtype), tolerance(type));
        // A single value has no variance: its rstd is 1 / sqrt(eps), which makes what is left of rounding
        // large.
        if (shape[1] > 1) CHECK(test::close(gpu[4], y, close, close));
        CHECK(test::close(gpu[5], mean, sums, sums));
        CHECK(test::close(gpu[6], rstd, sums));
        if (shape[1] > 1) CHECK(test::close(gpu[7], dx, close, close));
        CHECK(test::close(gpu[8], dweight, sums, sums * std::sqrt(double(shape[0]))));
        CHECK(test::close(gpu[9], dbias, sums, sums * std::sqrt(double(shape[0]))));
      }
}
