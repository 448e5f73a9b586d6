#include <kiln/kernels/reduce/sort.h>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

using autograd::Op;

namespace {

ValuesAndIndices first_sorted(Op& op, const Tensor& x, int64_t k, int dim, bool descending) {
  Shape shape = x.shape();
  if (x.dim() > 0) shape[dim] = k;
  const ValuesAndIndices y{empty(shape, like(x)), empty(shape, {.dtype = int64, .device = x.device()})};
  const Tensor in = dense(x);
  on(x.device(), [&](auto& ctx) {
    kernels::sort(ctx, kernels::DimGeometry::along(x.shape(), dim), k, descending, in, y.values, y.indices);
  });
  op.record_pair(y.values, y.indices,
                 [at = autograd::Saved(y.indices), full = x.shape(), dim](const Tensor& g) {
                   return scatter_add(zeros(full, like(g)), dim, at.get(), g);
                 });
  return y;
}

}  // namespace

ValuesAndIndices topk(const Tensor& input, int64_t k, int dim, bool largest) {
  Op op("topk");
  const Tensor& x = op.operand("x", input);
  op.attribute("k", k);
  op.attribute("dim", dim);
  op.attribute("largest", largest);
  dim = wrap_dim("topk", dim, x.dim());
  const int64_t size = x.dim() == 0 ? 1 : x.size(dim);
  if (k < 0 || k > size || (x.dim() == 0 && k == 0))
    fail("topk: k = {} is out of range for dim {} of x {} (use 0 .. {})", k, dim, x.shape(), size);
  return first_sorted(op, x, k, dim, largest);
}

ValuesAndIndices sort(const Tensor& input, int dim, bool descending) {
  Op op("sort");
  const Tensor& x = op.operand("x", input);
  op.attribute("dim", dim);
  op.attribute("descending", descending);
  dim = wrap_dim("sort", dim, x.dim());
  return first_sorted(op, x, x.dim() == 0 ? 1 : x.size(dim), dim, descending);
}

}  // namespace kiln
