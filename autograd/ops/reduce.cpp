#include <kiln/kernels/reduce.h>

#include <kiln/autograd/check.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/record.h>

namespace kiln {

using autograd::check_defined;
using autograd::check_floating;
using autograd::record;
using kernels::dim_set;
using kernels::DimSet;
using kernels::ReduceGeometry;

namespace {

// A value for each set of reduced elements, repeated over x's shape. `kept` is the reduced shape with
// keepdim.
Tensor spread(const Tensor& y, const Shape& kept, const Shape& shape) {
  return expand(y.shape() == kept ? y : reshape(y, kept), shape);
}

}  // namespace

Tensor sum(const Tensor& x, const Dims& dims, bool keepdim) {
  check_defined("sum", x);
  const DimSet reduced = dim_set("sum", dims, x.dim());
  TensorOptions options = like(x);
  if (!x.is_floating_point()) options.dtype = int64;
  Tensor y = empty(kernels::reduced_shape(x.shape(), reduced, keepdim), options);
  on(x.device(), [&](auto& ctx) { kernels::sum(ctx, ReduceGeometry::over(x.layout(), reduced), x, y); });
  return record("sum", {x}, y, [shape = x.shape(), reduced](const Tensor& g) {
    return spread(g, kernels::reduced_shape(shape, reduced, true), shape);
  });
}

Tensor mean(const Tensor& x, const Dims& dims, bool keepdim) {
  check_floating("mean", x);
  const DimSet reduced = dim_set("mean", dims, x.dim());
  const auto geometry = ReduceGeometry::over(x.layout(), reduced);
  Tensor y = empty(kernels::reduced_shape(x.shape(), reduced, keepdim), like(x));
  on(x.device(), [&](auto& ctx) { kernels::mean(ctx, geometry, x, y); });
  return record("mean", {x}, y, [shape = x.shape(), reduced, count = geometry.count](const Tensor& g) {
    return spread(mul(g, 1.0 / double(count)), kernels::reduced_shape(shape, reduced, true), shape);
  });
}

}  // namespace kiln
