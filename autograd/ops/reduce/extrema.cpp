#include <kiln/kernels/reduce/extrema.h>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/autograd/ops/spread.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

using autograd::Op;
using autograd::Saved;
using autograd::SavedOutput;
using kernels::DimSet;
using kernels::ReduceGeometry;

namespace {

ReduceGeometry nonempty(const char* op, const Tensor& x, DimSet reduced) {
  const auto geometry = ReduceGeometry::over(x.layout(), reduced);
  if (geometry.count == 0)
    fail("{}: has no value over no elements; a reduced dimension of x {} has size 0", op, x.shape());
  return geometry;
}

Tensor extreme(const char* name, const Tensor& input, const Dims& dims, bool keepdim, bool largest) {
  Op op(name);
  const Tensor& x = op.operand("x", input);
  op.attribute("dim", dims);
  op.attribute("keepdim", keepdim);
  const DimSet reduced = kernels::dim_set(name, dims, x.dim());
  const auto geometry = nonempty(name, x, reduced);
  Tensor y = empty(kernels::reduced_shape(x.shape(), reduced, keepdim), like(x));
  on(x.device(),
     [&](auto& ctx) { (largest ? kernels::amax(ctx, geometry, x, y) : kernels::amin(ctx, geometry, x, y)); });
  return op.record(y, [x = Saved(x), y = SavedOutput(y), reduced](const Tensor& g) {
    const Tensor value = x.get();
    const Tensor chosen = logical_or(eq(value, spread(y.get(), value.shape(), reduced)), isnan(value));
    const Tensor mask = to(chosen, g.dtype());
    const Tensor share =
        div(g.dim() == value.dim() ? g : reshape(g, kernels::reduced_shape(value.shape(), reduced, true)),
            sum(mask, dims_of(reduced), true));
    return mul(spread(share, value.shape(), reduced), mask);
  });
}

ValuesAndIndices extreme_at(Op& op, const Tensor& x, int dim, bool keepdim, bool largest, bool with_values) {
  dim = wrap_dim(op.name(), dim, x.dim());
  const DimSet reduced = DimSet(1) << dim;
  const auto geometry = nonempty(op.name(), x, reduced);
  const Shape shape = kernels::reduced_shape(x.shape(), reduced, keepdim);
  ValuesAndIndices y{with_values ? empty(shape, like(x)) : Tensor(),
                     empty(shape, {.dtype = int64, .device = x.device()})};
  on(x.device(), [&](auto& ctx) {
    (largest ? kernels::max_with_index(ctx, geometry, x, y.values, y.indices)
             : kernels::min_with_index(ctx, geometry, x, y.values, y.indices));
  });
  return y;
}

ValuesAndIndices extreme_pair(const char* name, const Tensor& input, int dim, bool keepdim, bool largest) {
  Op op(name);
  const Tensor& x = op.operand("x", input);
  op.attribute("dim", dim);
  op.attribute("keepdim", keepdim);
  const ValuesAndIndices y = extreme_at(op, x, dim, keepdim, largest, true);
  dim = wrap_dim(name, dim, x.dim());
  const bool dropped = !keepdim && x.dim() > 0;
  op.record_pair(y.values, y.indices,
                 [at = Saved(y.indices), shape = x.shape(), dim, dropped](const Tensor& g) {
                   const Tensor index = at.get();
                   return scatter_add(zeros(shape, like(g)), dim, dropped ? unsqueeze(index, dim) : index,
                                      dropped ? unsqueeze(g, dim) : g);
                 });
  return y;
}

Tensor extreme_index(const char* name, const Tensor& input, std::optional<int> dim, bool keepdim,
                     bool largest) {
  Op op(name);
  const Tensor& x = op.operand("x", input);
  if (dim) op.attribute("dim", *dim);
  op.attribute("keepdim", keepdim);
  if (dim) return op.result(extreme_at(op, x, *dim, keepdim, largest, false).indices);
  const NoGrad no_grad;
  const Tensor at = extreme_at(op, reshape(x, {x.numel()}), 0, false, largest, false).indices;
  return op.result(keepdim ? reshape(at, Shape::filled(x.dim(), 1)) : at);
}

}  // namespace

Tensor max(const Tensor& x) { return extreme("max", x, {}, false, true); }
Tensor min(const Tensor& x) { return extreme("min", x, {}, false, false); }
Tensor amax(const Tensor& x, const Dims& dims, bool keepdim) {
  return extreme("amax", x, dims, keepdim, true);
}
Tensor amin(const Tensor& x, const Dims& dims, bool keepdim) {
  return extreme("amin", x, dims, keepdim, false);
}
ValuesAndIndices max(const Tensor& x, int dim, bool keepdim) {
  return extreme_pair("max", x, dim, keepdim, true);
}
ValuesAndIndices min(const Tensor& x, int dim, bool keepdim) {
  return extreme_pair("min", x, dim, keepdim, false);
}
Tensor argmax(const Tensor& x, std::optional<int> dim, bool keepdim) {
  return extreme_index("argmax", x, dim, keepdim, true);
}
Tensor argmin(const Tensor& x, std::optional<int> dim, bool keepdim) {
  return extreme_index("argmin", x, dim, keepdim, false);
}

}  // namespace kiln
