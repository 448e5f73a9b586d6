#include <kiln/autograd/ops/softmax/softmax.h>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/kernels/softmax/softmax.h>

namespace kiln {

using autograd::gradients;
using autograd::Kind;
using autograd::Op;
using autograd::Saved;
using autograd::SavedOutput;
using autograd::Wanted;
using kernels::SoftmaxGeometry;

Tensor softmax(const Tensor& input, int dim) {
  Op op("softmax");
  const Tensor& x = op.operand("x", input, Kind::floating);
  dim = op.attribute("dim", wrap_dim(op.name(), dim, x.dim()));
  Tensor y = empty_like(x);
  const Tensor in = laid_out(x, y.layout());
  on(x.device(), [&](auto& ctx) { kernels::softmax(ctx, SoftmaxGeometry::along(y.layout(), dim), in, y); });
  return op.record(y,
                   [y = SavedOutput(y), dim](const Tensor& g) { return softmax_backward(y.get(), g, dim); });
}

Tensor log_softmax(const Tensor& input, int dim) {
  Op op("log_softmax");
  const Tensor& x = op.operand("x", input, Kind::floating);
  dim = op.attribute("dim", wrap_dim(op.name(), dim, x.dim()));
  Tensor y = empty_like(x);
  const Tensor in = laid_out(x, y.layout());
  on(x.device(),
     [&](auto& ctx) { kernels::log_softmax(ctx, SoftmaxGeometry::along(y.layout(), dim), in, y); });
  return op.record(
      y, [y = SavedOutput(y), dim](const Tensor& g) { return log_softmax_backward(y.get(), g, dim); });
}

Tensor softmax_backward(const Tensor& result, const Tensor& gradient, int dim) {
  Op op("softmax_backward");
  const Tensor &y = op.operand("y", result), &g = op.operand("g", gradient);
  op.attribute("dim", dim);
  Tensor dx = empty_like(y);
  const Tensor y_dense = laid_out(y, dx.layout()), g_dense = laid_out(g, dx.layout());
  on(y.device(), [&](auto& ctx) {
    kernels::softmax_backward(ctx, SoftmaxGeometry::along(dx.layout(), dim), y_dense, g_dense, dx);
  });
  return op.record(dx, [y = Saved(y), g = Saved(g), dim](const Tensor& v, Wanted wanted) {
    return gradients(
        wanted,
        [&] {
          const Tensor value = y.get(), slope = g.get();
          return sub(mul(v, sub(slope, sum(mul(slope, value), dim, true))),
                     mul(slope, sum(mul(v, value), dim, true)));
        },
        [&] { return softmax_backward(y.get(), v, dim); });
  });
}

Tensor log_softmax_backward(const Tensor& result, const Tensor& gradient, int dim) {
  Op op("log_softmax_backward");
  const Tensor &y = op.operand("y", result), &g = op.operand("g", gradient);
  op.attribute("dim", dim);
  Tensor dx = empty_like(y);
  const Tensor y_dense = laid_out(y, dx.layout()), g_dense = laid_out(g, dx.layout());
  on(y.device(), [&](auto& ctx) {
    kernels::log_softmax_backward(ctx, SoftmaxGeometry::along(dx.layout(), dim), y_dense, g_dense, dx);
  });
  return op.record(dx, [y = Saved(y), g = Saved(g), dim](const Tensor& v, Wanted wanted) {
    return gradients(
        wanted, [&] { return neg(mul(mul(v, exp(y.get())), sum(g.get(), dim, true))); },
        [&] { return sub(v, sum(mul(v, exp(y.get())), dim, true)); });
  });
}

}  // namespace kiln
