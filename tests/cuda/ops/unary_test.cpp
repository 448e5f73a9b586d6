#include <kiln/kernels/elementwise/unary.h>

#include <cmath>

#include <doctest/doctest.h>

#include <kiln/kernels/elementwise/copy.h>
#include <kiln/kernels/elementwise/unary_functions.h>

#include "../both.h"

using namespace kiln;
using kernels::UnaryOp, kernels::UnaryParameters;
using test::close, test::run_on_both;

namespace {

const DType kFloating[] = {float32, float64, float16, bfloat16};

Tensor to_type(const Tensor& x, DType dtype) {
  Tensor y = empty(x.shape(), {.dtype = dtype});
  kernels::copy(CpuContext::current(), x, y);
  return y;
}

// Values in every function's domain of interest: about -3 .. 3 or, for those that need it, inside (0, 1).
Tensor values(const Shape& shape, DType dtype, bool fraction) {
  std::vector<double> v(size_t(numel(shape)));
  for (size_t i = 0; i < v.size(); ++i) {
    const double unit = double((i * 7919 + 13) % 1009) / 1009;
    v[i] = fraction ? 0.02 + 0.96 * unit : 6 * unit - 3;
  }
  return to_type(from_values(v, shape), dtype);
}

bool needs_fraction(UnaryOp op) {
  switch (op) {
    case UnaryOp::sqrt:
    case UnaryOp::rsqrt:
    case UnaryOp::reciprocal:
    case UnaryOp::log:
    case UnaryOp::log1p:
    case UnaryOp::log2:
    case UnaryOp::log10:
    case UnaryOp::asin:
    case UnaryOp::acos:
      return true;
    default:
      return false;
  }
}

// Whether the derivative is a function of the input.
bool needs_input(UnaryOp op) {
  return kernels::math::visit_unary(op, {}, [](const auto& f) { return f.needs == kernels::math::Needs::x; });
}

UnaryParameters parameters(UnaryOp op) {
  if (op == UnaryOp::leaky_relu) return {0.1, 0};
  if (op == UnaryOp::softplus) return {1.5, 2};
  return {};
}

double tolerance(DType dtype) {
  if (dtype == float64) return 1e-12;
  if (dtype == float32) return 1e-5;
  return dtype == float16 ? 0x1p-10 : 0x1p-7;  // one step of the format
}

Tensor view(const Tensor& x, const Layout& layout) {
  return from_storage(x.impl()->storage, x.dtype(), layout);
}

void check(UnaryOp op, const Tensor& x, const Tensor& y) {
  CAPTURE(int(op));
  CAPTURE(x.dtype());
  CAPTURE(y.dtype());
  CAPTURE(to_string(x.shape()));
  CAPTURE(to_string(y.strides()));
  const double bound = tolerance(y.dtype());
  Tensors gpu = run_on_both(
      {x, y}, [&](auto& ctx, const Tensors& t) { kernels::unary(ctx, op, parameters(op), t[0], t[1]); });
  REQUIRE(close(gpu[1], y, bound, bound));
  if (!is_floating(x.dtype()) || x.dtype() != y.dtype()) return;
  const Tensor g = values(x.shape(), x.dtype(), true), dx = empty(y.shape(), {.dtype = y.dtype()});
  gpu = run_on_both({needs_input(op) ? x : y, g, dx}, [&](auto& ctx, const Tensors& t) {
    kernels::unary_backward(ctx, op, parameters(op), t[0], t[1], t[2]);
  });
  REQUIRE(close(gpu[2], dx, bound, bound));
}

}  // namespace

TEST_CASE("unary ops on the device, every op and type") {
  for (int i = 0; i < int(UnaryOp::count); ++i) {
    const UnaryOp op = UnaryOp(i);
    for (const DType dtype : kFloating) {
      const Tensor x = values({1037}, dtype, needs_fraction(op));
      check(op, x, empty({1037}, {.dtype = dtype}));
      const Tensor special = to_type(
          from_values<double>({0.0, -0.0, INFINITY, -INFINITY, NAN, 0.5, -0.5, 1.5, 2.5}, {9}), dtype);
      const Tensor y = empty({9}, {.dtype = dtype});
      const Tensors gpu = run_on_both({special, y}, [&](auto& ctx, const Tensors& t) {
        kernels::unary(ctx, op, parameters(op), t[0], t[1]);
      });
      CAPTURE(i);
      CAPTURE(dtype);
      REQUIRE(close(gpu[1], y, tolerance(dtype), tolerance(dtype)));
    }
  }
}

TEST_CASE("unary ops on the device, shapes and strides") {
  for (const DType dtype : kFloating) {
    for (const int64_t n : {0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 511, 512, 513, 2047, 2049, 4100})
      check(UnaryOp::silu, values({n}, dtype, false), empty({n}, {.dtype = dtype}));
    check(UnaryOp::exp, values({}, dtype, false), empty({}, {.dtype = dtype}));
    const Tensor base = values({6, 10, 16}, dtype, false);
    const Layout whole = base.layout();
    const Layout views[] = {whole.permute({2, 0, 1}),
                            whole.narrow(2, 1, 9),
                            whole.narrow(2, 0, 8),
                            whole.narrow(2, 8, 8).narrow(0, 1, 4),
                            whole.narrow(1, 1, 4, 2),
                            whole.narrow(2, 1, 5, 3),
                            whole.select(1, 2).select(0, 3),
                            whole.transpose(0, 2),
                            whole.narrow(0, 0, 1).expand({5, 10, 16})};
    for (const Layout& layout : views) {
      const Tensor x = view(base, layout);
      check(UnaryOp::tanh, x, empty(x.shape(), {.dtype = dtype}));
      check(UnaryOp::relu, x, empty(x.shape(), {.dtype = float32}));
    }
    // Into strided memory, whose gaps stay as they are; and in place.
    for (const Layout& layout : {whole.narrow(2, 1, 9), whole.permute({1, 2, 0}), whole.narrow(1, 0, 5, 2)}) {
      const Tensor y = view(values({6, 10, 16}, dtype, false), layout);
      check(UnaryOp::neg, values(y.shape(), dtype, false), y);
      const Tensor x = view(values({6, 10, 16}, dtype, false), layout);
      const Tensors gpu = run_on_both(
          {x}, [&](auto& ctx, const Tensors& t) { kernels::unary(ctx, UnaryOp::square, {}, t[0], t[0]); });
      REQUIRE(close(gpu[0], x, tolerance(dtype), 0));
    }
  }
}

TEST_CASE("unary ops on the device, of other types") {
  for (const DType dtype : {int64, int32, int16, int8, uint8, bool8}) {
    const Tensor x = to_type(values({300}, float64, false), dtype);
    check(UnaryOp::exp, x, empty({300}, {.dtype = float32}));
    check(UnaryOp::cos, x, empty({300}, {.dtype = float64}));
  }
}
