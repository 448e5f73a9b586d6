#include <kiln/kernels/conv/pad2d.h>

#include <doctest/doctest.h>

#include "../both.h"
#include "../sample.h"

using namespace kiln;
using kernels::Pad2dGeometry;
using test::run_on_both, test::sample, test::tolerance;

namespace {

struct Row {
  Shape x;
  int64_t left, right, top, bottom;
};

const Row kRows[] = {
    {{2, 3, 4, 5}, 1, 2, 3, 0}, {{1, 16, 5, 4}, 3, 3, 2, 4}, {{3, 7, 6}, 0, 1, 2, 3}, {{4, 3}, 2, 2, 1, 2}};

template <class F>
void each_case(DType dtype, const F& f) {
  for (const Row& row : kRows)
    for (const PaddingMode mode :
         {PaddingMode::zeros, PaddingMode::reflect, PaddingMode::replicate, PaddingMode::circular}) {
      const Tensor x = sample(row.x, dtype);
      Tensors orders = {x};
      if (x.dim() == 4) orders.push_back(contiguous(x, MemoryFormat::channels_last));
      for (const Tensor& in : orders) {
        CAPTURE(row.x);
        CAPTURE(in.strides());
        CAPTURE(int(mode));
        f(in, Pad2dGeometry::of(in.layout(), row.left, row.right, row.top, row.bottom, mode));
        if (mode == PaddingMode::zeros)
          f(in, Pad2dGeometry::of(in.layout(), -1, row.right, row.top, -2, mode));
      }
    }
}

Tensor padded(const Pad2dGeometry& g, const Tensor& x) {
  Shape shape = x.shape();
  shape[x.dim() - 2] = g.out_h();
  shape[x.dim() - 1] = g.out_w();
  const Tensor y = empty(shape, {.dtype = x.dtype()});
  return contiguous(y, g.channels > 1 ? MemoryFormat::channels_last : MemoryFormat::contiguous);
}

}  // namespace

TEST_CASE("pad2d on the device") {
  for (const DType dtype : test::kElements)
    each_case(dtype, [&](const Tensor& x, const Pad2dGeometry& g) {
      const Tensor y = padded(g, x);
      const Tensors gpu =
          run_on_both({x, y}, [&](auto& ctx, const Tensors& t) { kernels::pad2d(ctx, g, t[0], 1.5, t[1]); });
      REQUIRE(test::bits_equal(gpu[1], y));
    });
}

TEST_CASE("pad2d_backward on the device") {
  for (const DType dtype : test::kFloating)
    each_case(dtype, [&](const Tensor& x, const Pad2dGeometry& g) {
      const Tensor grad = to(randn_like(padded(g, x)), dtype), dx = empty_like(x);
      const Tensors gpu = run_on_both(
          {grad, dx}, [&](auto& ctx, const Tensors& t) { kernels::pad2d_backward(ctx, g, t[0], t[1]); });
      REQUIRE(test::close(gpu[1], dx, 8 * tolerance(dtype), 8 * tolerance(dtype)));
    });
}
