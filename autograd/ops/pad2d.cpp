#include <kiln/kernels/conv/pad2d.h>

#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/working_order.h>
#include <kiln/autograd/record.h>

namespace kiln {

using namespace autograd;
using kernels::Pad2dGeometry;

namespace {

struct Padding {
  Pad2dGeometry geometry;
  MemoryFormat order;
  Shape x_shape, y_shape;

  Tensor make(const Shape& shape, const Tensor& prototype) const {
    TensorOptions options = like(prototype);
    options.memory_format = order;
    return empty(shape, options);
  }
  Tensor dense(const Tensor& x) const {
    const NoGrad no_grad;
    return contiguous(x, order);
  }
};

Tensor backward(const Tensor& g, const Padding& padding);

Tensor forward(const Tensor& x, const Padding& padding, double value) {
  const Tensor y = padding.make(padding.y_shape, x), in = padding.dense(x);
  on(x.device(), [&](auto& ctx) { kernels::pad2d(ctx, padding.geometry, in, value, y); });
  return record("pad2d", {x}, y, [padding](const Tensor& g) { return backward(g, padding); });
}

Tensor backward(const Tensor& g, const Padding& padding) {
  const Tensor dx = padding.make(padding.x_shape, g), grad = padding.dense(g);
  on(g.device(), [&](auto& ctx) { kernels::pad2d_backward(ctx, padding.geometry, grad, dx); });
  return record("pad2d_backward", {g}, dx, [padding](const Tensor& v) { return forward(v, padding, 0); });
}

}  // namespace

Tensor pad2d(const Tensor& x, int64_t left, int64_t right, int64_t top, int64_t bottom, PaddingMode mode,
             double value) {
  Padding padding{{}, working_order(x), x.shape(), x.shape()};
  const Tensor in = padding.dense(x);
  padding.order = in.is_contiguous() ? MemoryFormat::contiguous : MemoryFormat::channels_last;
  padding.geometry = Pad2dGeometry::of(in.layout(), left, right, top, bottom, mode);
  padding.y_shape[x.dim() - 2] = padding.geometry.out_h();
  padding.y_shape[x.dim() - 1] = padding.geometry.out_w();
  return forward(x, padding, value);
}

}  // namespace kiln
