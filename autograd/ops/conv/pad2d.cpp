#include <kiln/kernels/conv/pad2d.h>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/working_order.h>

namespace kiln {

using namespace autograd;
using kernels::Pad2dGeometry;

namespace {

// PyTorch's name.
constexpr const char* name_of(PaddingMode mode) {
  constexpr const char* names[] = {"constant", "reflect", "replicate", "circular"};
  return names[int(mode)];
}

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

Tensor forward(Op& op, const Tensor& x, const Padding& padding, double value) {
  const Tensor y = padding.make(padding.y_shape, x), in = padding.dense(x);
  on(x.device(), [&](auto& ctx) { kernels::pad2d(ctx, padding.geometry, in, value, y); });
  return op.record(y, [padding](const Tensor& g) { return backward(g, padding); });
}

Tensor backward(const Tensor& gradient, const Padding& padding) {
  Op op("pad2d_backward");
  const Tensor& g = op.operand("g", gradient);
  const Tensor dx = padding.make(padding.x_shape, g), grad = padding.dense(g);
  on(g.device(), [&](auto& ctx) { kernels::pad2d_backward(ctx, padding.geometry, grad, dx); });
  return op.record(dx, [padding](const Tensor& v) {
    Op again("pad2d");
    return forward(again, again.operand("x", v), padding, 0);
  });
}

}  // namespace

Tensor pad2d(const Tensor& input, int64_t left, int64_t right, int64_t top, int64_t bottom, PaddingMode mode,
             double value) {
  Op op("pad2d");
  const Tensor& x = op.operand("x", input, Kind::number, {2});
  op.attribute("padding", Dims{left, right, top, bottom});
  op.attribute("mode", name_of(mode));
  op.attribute("value", value);
  Padding padding{{}, working_order(x), x.shape(), x.shape()};
  const Tensor in = padding.dense(x);
  padding.order = in.is_contiguous() ? MemoryFormat::contiguous : MemoryFormat::channels_last;
  padding.geometry = Pad2dGeometry::of(in.layout(), left, right, top, bottom, mode);
  padding.y_shape[x.dim() - 2] = padding.geometry.out_h();
  padding.y_shape[x.dim() - 1] = padding.geometry.out_w();
  return forward(op, x, padding, value);
}

}  // namespace kiln
