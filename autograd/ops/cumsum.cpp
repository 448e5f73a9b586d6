#include <kiln/kernels/reduce/cumsum.h>

#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/autocast.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/autograd/record.h>

namespace kiln {
namespace {

Tensor running_sum(const char* op, const Tensor& x, int dim, bool reverse) {
  check_defined(op, x);
  dim = wrap_dim(op, dim, x.dim());
  Tensor y = empty(x.shape(), {.dtype = x.is_floating_point() ? x.dtype() : int64, .device = x.device()});
  Tensor dense;
  {
    const NoGrad no_grad;
    dense = contiguous(x);
  }
  on(x.device(), [&](auto& ctx) {
    kernels::cumsum(ctx, kernels::DimGeometry::along(x.shape(), dim), reverse, dense, y);
  });
  return autograd::record(op, {x}, y, [dim, reverse](const Tensor& g) {
    return running_sum("cumsum_backward", g, dim, !reverse);
  });
}

}  // namespace

Tensor cumsum(const Tensor& x, int dim) {
  if (autocast_enabled()) return in_float32([&](const Tensor& wide) { return cumsum(wide, dim); }, x);
  return running_sum("cumsum", x, dim, false);
}

}  // namespace kiln
