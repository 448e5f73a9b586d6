#include <kiln/kernels/reduce/norm.h>

#include <cmath>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/autograd/ops/spread.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

using autograd::Kind;
using autograd::Op;
using autograd::Saved;
using autograd::SavedOutput;
using kernels::DimSet;
using kernels::ReduceGeometry;

namespace {

// At the zero vector the slope does not exist; 0 is what PyTorch says.
Tensor zero_where_zero(const Tensor& slope, const Tensor& y) { return masked_fill(slope, eq(y, 0), 0); }

Tensor norm_backward(const Tensor& x, const Tensor& y, const Tensor& g, double p, DimSet reduced) {
  const Shape& shape = x.shape();
  const auto over_x = [&](const Tensor& value) { return spread(value, shape, reduced); };
  if (p == 0) return zeros(shape, like(g));
  if (p == 1) return mul(over_x(g), sign(x));
  if (p == 2) return mul(x, over_x(zero_where_zero(div(g, y), y)));
  if (std::isinf(p)) {
    const Tensor mask = to(eq(abs(x), over_x(y)), g.dtype());
    const Tensor share = div(mul(sign(x), mask), sum(mask, dims_of(reduced), true));
    return mul(over_x(g), share);
  }
  Tensor slope = mul(sign(x), pow(abs(x), p - 1));
  if (p < 1) slope = masked_fill(slope, eq(x, 0), 0);
  return mul(slope, over_x(zero_where_zero(div(g, pow(y, p - 1)), y)));
}

}  // namespace

Tensor norm(const Tensor& input, double p, const Dims& dims, bool keepdim) {
  Op op("norm");
  const Tensor& x = op.operand("x", input, Kind::floating);
  op.attribute("p", p);
  op.attribute("dim", dims);
  op.attribute("keepdim", keepdim);
  if (std::isnan(p)) fail("norm: p is NaN");
  const DimSet reduced = kernels::dim_set("norm", dims, x.dim());
  const auto geometry = ReduceGeometry::over(x.layout(), reduced);
  Tensor y = empty(kernels::reduced_shape(x.shape(), reduced, keepdim), like(x));
  on(x.device(), [&](auto& ctx) { kernels::norm(ctx, geometry, p, x, y); });
  return op.record(y, [x = Saved(x), y = SavedOutput(y), p, reduced](const Tensor& g) {
    return norm_backward(x.get(), y.get(), g, p, reduced);
  });
}

Tensor logsumexp(const Tensor& input, const Dims& dims, bool keepdim) {
  Op op("logsumexp");
  const Tensor& x = op.operand("x", input, Kind::floating);
  op.attribute("dim", dims);
  op.attribute("keepdim", keepdim);
  const DimSet reduced = kernels::dim_set("logsumexp", dims, x.dim());
  const Shape shape = kernels::reduced_shape(x.shape(), reduced, keepdim);
  Tensor y;
  if (ReduceGeometry::over(x.layout(), reduced).count == 0) {
    y = full(shape, -INFINITY, like(x));
  } else {
    const NoGrad no_grad;
    const Tensor wide = x.dtype() == float64 ? x : to(x, float32);
    Tensor largest = amax(wide, dims_of(reduced), true);
    largest = masked_fill(largest, isinf(largest), 0);
    const Tensor total = sum(exp(sub(wide, largest)), dims_of(reduced), true);
    y = to(reshape(add(log(total), largest), shape), x.dtype());
  }
  return op.record(y, [x = Saved(x), y = SavedOutput(y), reduced](const Tensor& g) {
    const Tensor value = x.get();
    const Tensor share = exp(sub(value, spread(y.get(), value.shape(), reduced)));
    return mul(spread(g, value.shape(), reduced), share);
  });
}

}  // namespace kiln
