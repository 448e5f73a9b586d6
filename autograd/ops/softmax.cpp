#include <kiln/autograd/ops/softmax.h>

#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/autocast.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/autograd/record.h>
#include <kiln/kernels/elementwise/copy.h>
#include <kiln/kernels/softmax/softmax.h>

namespace kiln {

using autograd::gradients;
using autograd::record;
using autograd::Saved;
using autograd::SavedOutput;
using autograd::Wanted;
using kernels::SoftmaxGeometry;

namespace {

// x, or a copy of it, in memory of this dense layout; without history.
Tensor laid_out(const Tensor& x, const Layout& layout) {
  if (x.strides() == layout.strides || (x.is_contiguous() && layout.is_contiguous())) return x;
  Tensor y = empty_dense({layout.shape, layout.strides, 0}, x.dtype(), x.device());
  on(x.device(), [&](auto& ctx) { kernels::copy(ctx, x, y); });
  return y;
}

}  // namespace

Tensor softmax(const Tensor& x, int dim) {
  if (autocast_enabled()) return in_float32([&](const Tensor& wide) { return softmax(wide, dim); }, x);
  check_floating("softmax", x);
  dim = wrap_dim("softmax", dim, x.dim());
  Tensor y = empty_like(x);
  const Tensor dense = laid_out(x, y.layout());
  on(x.device(),
     [&](auto& ctx) { kernels::softmax(ctx, SoftmaxGeometry::along(y.layout(), dim), dense, y); });
  return record("softmax", {x}, y,
                [y = SavedOutput(y), dim](const Tensor& g) { return softmax_backward(y.get(), g, dim); });
}

Tensor log_softmax(const Tensor& x, int dim) {
  if (autocast_enabled()) return in_float32([&](const Tensor& wide) { return log_softmax(wide, dim); }, x);
  check_floating("log_softmax", x);
  dim = wrap_dim("log_softmax", dim, x.dim());
  Tensor y = empty_like(x);
  const Tensor dense = laid_out(x, y.layout());
  on(x.device(),
     [&](auto& ctx) { kernels::log_softmax(ctx, SoftmaxGeometry::along(y.layout(), dim), dense, y); });
  return record("log_softmax", {x}, y,
                [y = SavedOutput(y), dim](const Tensor& g) { return log_softmax_backward(y.get(), g, dim); });
}

Tensor softmax_backward(const Tensor& y, const Tensor& g, int dim) {
  Tensor dx = empty_like(y);
  const Tensor y_dense = laid_out(y, dx.layout()), g_dense = laid_out(g, dx.layout());
  on(y.device(), [&](auto& ctx) {
    kernels::softmax_backward(ctx, SoftmaxGeometry::along(dx.layout(), dim), y_dense, g_dense, dx);
  });
  return record("softmax_backward", {y, g}, dx,
                [y = Saved(y), g = Saved(g), dim](const Tensor& v, Wanted wanted) {
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

Tensor log_softmax_backward(const Tensor& y, const Tensor& g, int dim) {
  Tensor dx = empty_like(y);
  const Tensor y_dense = laid_out(y, dx.layout()), g_dense = laid_out(g, dx.layout());
  on(y.device(), [&](auto& ctx) {
    kernels::log_softmax_backward(ctx, SoftmaxGeometry::along(dx.layout(), dim), y_dense, g_dense, dx);
  });
  return record("log_softmax_backward", {y, g}, dx,
                [y = Saved(y), g = Saved(g), dim](const Tensor& v, Wanted wanted) {
                  return gradients(
                      wanted, [&] { return neg(mul(mul(v, exp(y.get())), sum(g.get(), dim, true))); },
                      [&] { return sub(v, sum(mul(v, exp(y.get())), dim, true)); });
                });
}

}  // namespace kiln
