#include <kiln/kernels/elementwise/fill.h>

#include <doctest/doctest.h>

#include "../both.h"

using namespace kiln;
using test::bits_equal, test::run_on_both;

namespace {

const DType kAll[] = {float32, float64, float16, bfloat16, int64, int32, int16, int8, uint8, bool8};

// Known bytes, so that what fill must not touch is compared too.
Tensor patterned(const Shape& shape, DType dtype) {
  Tensor x = empty(shape, {.dtype = dtype});
  auto* bytes = static_cast<unsigned char*>(x.raw_data());
  for (int64_t i = 0; i < x.impl()->storage->bytes; ++i)
    bytes[i] = dtype == bool8 ? i % 2 : (unsigned char)(i % 63);
  return x;
}

Tensor view(const Tensor& x, const Layout& layout) {
  return from_storage(x.impl()->storage, x.dtype(), layout);
}

}  // namespace

TEST_CASE("fill on the device") {
  for (const DType dtype : kAll) {
    CAPTURE(dtype);
    for (const int64_t count : {0, 1, 3, 15, 16, 17, 1000, 5003}) {
      for (const Scalar value : {Scalar(3.7), Scalar(-2), Scalar(true)}) {
        const Tensor y = patterned({count}, dtype);
        const Tensors gpu =
            run_on_both({y}, [&](auto& ctx, const Tensors& t) { kernels::fill(ctx, value, t[0]); });
        REQUIRE(bits_equal(gpu[0], y));
      }
    }
    const Tensor base = patterned({6, 10, 14}, dtype);
    const Layout views[] = {
        base.layout().narrow(0, 1, 3),  // begins where no pack does, for the small types
        base.layout().narrow(2, 1, 5).narrow(1, 2, 4), base.layout().narrow(2, 1, 6, 2).permute({2, 0, 1}),
        base.layout().select(0, 2).select(0, 3).select(0, 5), Layout::contiguous({840}).narrow(0, 1, 701)};
    for (const Layout& layout : views) {
      const Tensor y = view(patterned({6, 10, 14}, dtype), layout);
      const Tensors gpu =
          run_on_both({y}, [](auto& ctx, const Tensors& t) { kernels::fill(ctx, 1.5, t[0]); });
      REQUIRE(bits_equal(gpu[0], y));
    }
  }
}

TEST_CASE("arange and linspace on the device") {
  for (const DType dtype : kAll) {
    if (dtype == bool8) continue;
    CAPTURE(dtype);
    for (const int64_t count : {0, 1, 2, 300}) {
      for (const int64_t step : {1, 3}) {
        const Tensor y = view(patterned({count * step}, dtype), Layout{{count}, {step}});
        Tensors gpu =
            run_on_both({y}, [](auto& ctx, const Tensors& t) { kernels::arange(ctx, -7.25, 0.5, t[0]); });
        REQUIRE(bits_equal(gpu[0], y));
        gpu = run_on_both({y}, [](auto& ctx, const Tensors& t) { kernels::arange(ctx, 5, -2, t[0]); });
        REQUIRE(bits_equal(gpu[0], y));
        if (!is_floating(dtype)) continue;
        gpu = run_on_both({y}, [](auto& ctx, const Tensors& t) { kernels::linspace(ctx, -1, 2, t[0]); });
        REQUIRE(test::close(gpu[0], y, 1e-6, 1e-6));
      }
    }
  }
}
