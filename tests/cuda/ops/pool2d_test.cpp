#include <kiln/kernels/conv/pool2d.h>

#include <doctest/doctest.h>

#include <cmath>

#include "../both.h"
#include "../sample.h"

using namespace kiln;
using kernels::Pool2dGeometry;
using test::run_on_both, test::sample, test::tolerance;

namespace {

struct Row {
  Shape x;
  Pair kernel, stride, padding = 0, dilation = 1;
  bool ceil_mode = false;
};

const Row kRows[] = {{{2, 3, 8, 8}, 2, 2},
                     {{1, 16, 9, 7}, 3, 2, 1},
                     {{2, 8, 7, 7}, {3, 2}, {2, 1}, {1, 0}, 1, true},
                     {{1, 5, 11, 10}, {2, 3}, 1, 0, {2, 3}},
                     {{1, 4, 10, 10}, 3, {1, 2}, 1, 2},
                     {{1, 2, 20, 20}, 17, 1, 8},
                     {{0, 3, 5, 5}, 2, 1}};

// The tensor in both orders of memory.
Tensors orders(const Tensor& x) { return {x, contiguous(x, MemoryFormat::channels_last)}; }

Tensor result(const Pool2dGeometry& g, const Tensor& x, DType dtype) {
  const Tensor y = empty({x.size(0), x.size(1), g.out_h, g.out_w}, {.dtype = dtype});
  return contiguous(y, g.channels > 1 ? MemoryFormat::channels_last : MemoryFormat::contiguous);
}

}  // namespace

TEST_CASE("max_pool2d, its gradient and its gather on the device") {
  for (const DType dtype : test::kFloating)
    for (const Row& row : kRows)
      for (const Tensor& x : orders(sample(row.x, dtype))) {
        CAPTURE(dtype);
        CAPTURE(row.x);
        CAPTURE(x.strides());
        const auto g = Pool2dGeometry::of("test", x.layout(), row.kernel, row.stride, row.padding,
                                          row.dilation, row.ceil_mode);
        const Tensor y = result(g, x, dtype), index = result(g, x, g.index_type()),
                     grad = to(randn_like(y), dtype), dx = empty_like(x), z = empty_like(y);
        const Tensors gpu = run_on_both({x, y, index, grad, dx, z}, [&](auto& ctx, const Tensors& t) {
          kernels::max_pool2d(ctx, g, t[0], t[1], t[2]);
          kernels::max_pool2d_backward(ctx, g, t[3], t[2], t[4]);
          kernels::max_pool2d_gather(ctx, g, t[0], t[2], t[5]);
        });
        CHECK(test::bits_equal(gpu[1], y));
        CHECK(test::bits_equal(gpu[2], index));
        const double slack =
            4 * double(row.kernel.h) * tolerance(dtype);  // the CPU rounds each addition of halves
        CHECK(test::close(gpu[4], dx, slack, slack));
        CHECK(test::bits_equal(gpu[5], z));
      }
}

TEST_CASE("max_pool2d on the device: the first of equal values, the last NaN") {
  const Tensor x = zeros({1, 1, 4, 6});
  for (const int64_t i : {2, 9, 16}) x.data<float>()[i] = i == 16 ? 5.0f : NAN;
  const auto g = Pool2dGeometry::of("test", x.layout(), {4, 3}, 3, 0, 1, false);
  const Tensor y = empty({1, 1, 1, 2}), index = empty({1, 1, 1, 2}, {.dtype = uint8});
  const Tensors gpu = run_on_both(
      {x, y, index}, [&](auto& ctx, const Tensors& t) { kernels::max_pool2d(ctx, g, t[0], t[1], t[2]); });
  CHECK(test::close(gpu[1], y, 0));
  CHECK(test::bits_equal(gpu[2], index));
}

TEST_CASE("avg_pool2d and its gradient on the device, adaptive too") {
  const auto check = [](const Pool2dGeometry& g, const Tensor& x) {
    const Tensor y = result(g, x, x.dtype()), grad = to(randn_like(y), x.dtype()), dx = empty_like(x);
    const Tensors gpu = run_on_both({x, y, grad, dx}, [&](auto& ctx, const Tensors& t) {
      kernels::avg_pool2d(ctx, g, t[0], t[1]);
      kernels::avg_pool2d_backward(ctx, g, t[2], t[3]);
    });
    CHECK(test::close(gpu[1], y, tolerance(x.dtype()), tolerance(x.dtype())));
    CHECK(test::close(gpu[3], dx, 4 * tolerance(x.dtype()), 4 * tolerance(x.dtype())));
  };
  for (const DType dtype : test::kFloating)
    for (const Row& row : kRows)
      for (const Tensor& x : orders(sample(row.x, dtype))) {
        CAPTURE(dtype);
        CAPTURE(row.x);
        CAPTURE(x.strides());
        for (const bool count_padding : {true, false}) {
          auto g =
              Pool2dGeometry::of("test", x.layout(), row.kernel, row.stride, row.padding, 1, row.ceil_mode);
          g.count_padding = count_padding;
          check(g, x);
        }
        for (const Pair size : {Pair(1), Pair(3, 5), Pair(13, 2), Pair(0, 2)})
          check(Pool2dGeometry::to_size("test", x.layout(), size), x);
      }
}
