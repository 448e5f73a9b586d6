#include <kiln/kernels/reduce/cumsum.h>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>

namespace kiln {
namespace {

Tensor running_sum(const char* name, const Tensor& input, int dim, bool reverse) {
  autograd::Op op(name);
  const Tensor& x = op.operand("x", input);
  dim = op.attribute("dim", wrap_dim(name, dim, x.dim()));
  Tensor y = empty(x.shape(), {.dtype = x.is_floating_point() ? x.dtype() : int64, .device = x.device()});
  const Tensor in = dense(x);
  on(x.device(),
     [&](auto& ctx) { kernels::cumsum(ctx, kernels::DimGeometry::along(x.shape(), dim), reverse, in, y); });
  return op.record(
      y, [dim, reverse](const Tensor& g) { return running_sum("cumsum_backward", g, dim, !reverse); });
}

}  // namespace

Tensor cumsum(const Tensor& x, int dim) { return running_sum("cumsum", x, dim, false); }

}  // namespace kiln
