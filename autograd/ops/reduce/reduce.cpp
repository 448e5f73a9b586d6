#include <kiln/kernels/reduce/reduce.h>

#include <algorithm>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/autograd/ops/spread.h>

namespace kiln {

using autograd::Kind;
using autograd::Op;
using autograd::Saved;
using autograd::SavedOutput;
using kernels::dim_set;
using kernels::DimSet;
using kernels::reduced_shape;
using kernels::ReduceGeometry;

namespace {

void see_dims(Op& op, const Dims& dims, bool keepdim) {
  op.attribute("dim", dims);
  op.attribute("keepdim", keepdim);
}

DType sum_type(const Tensor& x) { return x.is_floating_point() ? x.dtype() : int64; }

// Pairwise products down to one, each with a gradient of its own: right where elements are zero, too.
Tensor prod_by_pairs(const Tensor& x) {
  if (x.numel() == 0) return ones({}, like(x));
  Tensor rest = reshape(x, {x.numel()});
  while (rest.numel() > 1) {
    const int64_t half = rest.numel() / 2, odd = rest.numel() % 2;
    Tensor pairs = mul(narrow(rest, 0, 0, half), narrow(rest, 0, half, half));
    rest = odd ? cat({pairs, narrow(rest, 0, 2 * half, 1)}) : pairs;
  }
  return reshape(rest, {});
}

// In a type in which squares have room: on the CPU float64, on a GPU that of the sums.
Tensor variance(const Tensor& x, DimSet reduced, double correction, bool keepdim) {
  const NoGrad no_grad;
  const Dims dims = dims_of(reduced);
  const Tensor wide = to(x, x.device().is_cpu() ? float64 : wide_type(x));
  const Tensor centred = sub(wide, mean(wide, dims, true));
  const double count = double(ReduceGeometry::over(x.layout(), reduced).count);
  return div(sum(square(centred), dims, keepdim), std::max(0.0, count - correction));
}

Tensor variance_backward(const Tensor& x, const Tensor& g, DimSet reduced, double correction) {
  const double count = double(ReduceGeometry::over(x.layout(), reduced).count);
  const Tensor centred = sub(x, mean(x, dims_of(reduced), true));
  return mul(spread(mul(g, 2 / std::max(0.0, count - correction)), x.shape(), reduced), centred);
}

}  // namespace

Tensor sum(const Tensor& input, const Dims& dims, bool keepdim) {
  Op op("sum");
  const Tensor& x = op.operand("x", input);
  see_dims(op, dims, keepdim);
  const DimSet reduced = dim_set("sum", dims, x.dim());
  Tensor y = empty(reduced_shape(x.shape(), reduced, keepdim), {.dtype = sum_type(x), .device = x.device()});
  on(x.device(), [&](auto& ctx) { kernels::sum(ctx, ReduceGeometry::over(x.layout(), reduced), x, y); });
  return op.record(y, [shape = x.shape(), reduced](const Tensor& g) { return spread(g, shape, reduced); });
}

Tensor mean(const Tensor& input, const Dims& dims, bool keepdim) {
  Op op("mean");
  const Tensor& x = op.operand("x", input, Kind::floating);
  see_dims(op, dims, keepdim);
  const DimSet reduced = dim_set("mean", dims, x.dim());
  const auto geometry = ReduceGeometry::over(x.layout(), reduced);
  Tensor y = empty(reduced_shape(x.shape(), reduced, keepdim), like(x));
  on(x.device(), [&](auto& ctx) { kernels::mean(ctx, geometry, x, y); });
  return op.record(y, [shape = x.shape(), reduced, count = geometry.count](const Tensor& g) {
    return spread(mul(g, 1.0 / double(count)), shape, reduced);
  });
}

Tensor var(const Tensor& input, const Dims& dims, double correction, bool keepdim) {
  Op op("var");
  const Tensor& x = op.operand("x", input, Kind::floating);
  see_dims(op, dims, keepdim);
  op.attribute("correction", correction);
  const DimSet reduced = dim_set("var", dims, x.dim());
  const Tensor y = variance(x, reduced, correction, keepdim).to(x.dtype());
  return op.record(y, [x = Saved(x), reduced, correction](const Tensor& g) {
    return variance_backward(x.get(), g, reduced, correction);
  });
}

Tensor std(const Tensor& input, const Dims& dims, double correction, bool keepdim) {
  Op op("std");
  const Tensor& x = op.operand("x", input, Kind::floating);
  see_dims(op, dims, keepdim);
  op.attribute("correction", correction);
  const DimSet reduced = dim_set("std", dims, x.dim());
  Tensor y;
  {
    const NoGrad no_grad;
    y = to(sqrt(variance(x, reduced, correction, keepdim)), x.dtype());
  }
  return op.record(y, [x = Saved(x), y = SavedOutput(y), reduced, correction](const Tensor& g) {
    // Equal elements: the slope is infinite; 0 is what PyTorch says.
    const Tensor half = masked_fill(div(g, mul(y.get(), 2)), eq(y.get(), 0), 0);
    return variance_backward(x.get(), half, reduced, correction);
  });
}

Tensor prod(const Tensor& input) {
  Op op("prod");
  const Tensor& x = op.operand("x", input);
  if (op.records()) return op.result(prod_by_pairs(x));
  Tensor y = empty({}, {.dtype = sum_type(x), .device = x.device()});
  const auto geometry = ReduceGeometry::over(x.layout(), dim_set("prod", {}, x.dim()));
  on(x.device(), [&](auto& ctx) { kernels::prod(ctx, geometry, x, y); });
  return op.result(y);
}

Tensor any(const Tensor& input) {
  Op op("any");
  const Tensor& x = op.operand("x", input);
  Tensor y = empty({}, {.dtype = bool8, .device = x.device()});
  const auto geometry = ReduceGeometry::over(x.layout(), dim_set("any", {}, x.dim()));
  on(x.device(), [&](auto& ctx) { kernels::any(ctx, geometry, x, y); });
  return op.result(y);
}

Tensor all(const Tensor& input) {
  Op op("all");
  const Tensor& x = op.operand("x", input);
  Tensor y = empty({}, {.dtype = bool8, .device = x.device()});
  const auto geometry = ReduceGeometry::over(x.layout(), dim_set("all", {}, x.dim()));
  on(x.device(), [&](auto& ctx) { kernels::all(ctx, geometry, x, y); });
  return op.result(y);
}

}  // namespace kiln
