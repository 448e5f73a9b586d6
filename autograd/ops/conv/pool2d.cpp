#include <kiln/kernels/conv/pool2d.h>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/working_order.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

using namespace autograd;
using kernels::Pool2dGeometry;

namespace {

// One pooling of tensors like x: what its ops share.
struct Pooling {
  Pool2dGeometry geometry;
  MemoryFormat order;
  Shape x_shape, y_shape;

  Pooling(const Pool2dGeometry& g, const Tensor& x)
      : geometry(g),
        order(x.is_contiguous() ? MemoryFormat::contiguous : MemoryFormat::channels_last),
        x_shape(x.shape()),
        y_shape{x.shape()[0], x.shape()[1], g.out_h, g.out_w} {}

  Tensor make(const Shape& shape, const Tensor& prototype, DType dtype) const {
    TensorOptions options = like(prototype);
    options.dtype = dtype;
    options.memory_format = order;
    return empty(shape, options);
  }
  Tensor like_x(const Tensor& prototype) const { return make(x_shape, prototype, prototype.dtype()); }
  Tensor like_y(const Tensor& prototype) const { return make(y_shape, prototype, prototype.dtype()); }
  Tensor dense(const Tensor& x) const {
    const NoGrad no_grad;
    return contiguous(x, order);
  }
};

constexpr Form kImages{3, 4, "[C,H,W] or [N,C,H,W]"};

void see_options(Op& op, Pair kernel, const Pool2dOptions& options) {
  op.attribute("kernel", kernel);
  op.attribute("stride", options.stride);
  op.attribute("padding", options.padding);
  op.attribute("dilation", options.dilation);
  op.attribute("ceil_mode", options.ceil_mode);
  op.attribute("count_include_pad", options.count_include_pad);
}

Tensor in_working_order(const Tensor& x) {
  const NoGrad no_grad;
  return contiguous(x, working_order(x));
}

Tensor max_gather(const Tensor& x, const Tensor& index, const Pooling& pooling);

Tensor max_backward(const Tensor& gradient, const Tensor& index, const Pooling& pooling) {
  Op op("max_pool2d_backward");
  const Tensor& g = op.operand("g", gradient);
  const Tensor dx = pooling.like_x(g), grad = pooling.dense(g);
  on(g.device(), [&](auto& ctx) { kernels::max_pool2d_backward(ctx, pooling.geometry, grad, index, dx); });
  return op.record(dx, [index, pooling](const Tensor& v) { return max_gather(v, index, pooling); });
}

Tensor max_gather(const Tensor& input, const Tensor& index, const Pooling& pooling) {
  Op op("max_pool2d_gather");
  const Tensor& x = op.operand("x", input);
  const Tensor y = pooling.like_y(x), in = pooling.dense(x);
  on(x.device(), [&](auto& ctx) { kernels::max_pool2d_gather(ctx, pooling.geometry, in, index, y); });
  return op.record(y, [index, pooling](const Tensor& g) { return max_backward(g, index, pooling); });
}

Tensor average_backward(const Tensor& gradient, const Pooling& pooling);

Tensor average(Op& op, const Tensor& x, const Pooling& pooling) {
  const Tensor y = pooling.like_y(x), in = pooling.dense(x);
  on(x.device(), [&](auto& ctx) { kernels::avg_pool2d(ctx, pooling.geometry, in, y); });
  return op.record(y, [pooling](const Tensor& g) { return average_backward(g, pooling); });
}

Tensor average_backward(const Tensor& gradient, const Pooling& pooling) {
  Op op("avg_pool2d_backward");
  const Tensor& g = op.operand("g", gradient);
  const Tensor dx = pooling.like_x(g), grad = pooling.dense(g);
  on(g.device(), [&](auto& ctx) { kernels::avg_pool2d_backward(ctx, pooling.geometry, grad, dx); });
  return op.record(dx, [pooling](const Tensor& v) {
    Op again("avg_pool2d");
    return average(again, again.operand("x", v), pooling);
  });
}

}  // namespace

Tensor max_pool2d(const Tensor& input, Pair kernel, const Pool2dOptions& options) {
  Op op("max_pool2d");
  const Tensor& x = op.operand("x", input, Kind::floating, kImages);
  see_options(op, kernel, options);
  if (x.dim() == 3) return op.result(squeeze(max_pool2d(unsqueeze(x, 0), kernel, options), 0));
  const Tensor in = in_working_order(x);
  const Pooling pooling(Pool2dGeometry::of("max_pool2d", in.layout(), kernel, options.stride, options.padding,
                                           options.dilation, options.ceil_mode),
                        in);
  const Tensor y = pooling.like_y(x), index = pooling.make(pooling.y_shape, x, pooling.geometry.index_type());
  on(x.device(), [&](auto& ctx) { kernels::max_pool2d(ctx, pooling.geometry, in, y, index); });
  return op.record(y, [index, pooling](const Tensor& g) { return max_backward(g, index, pooling); });
}

Tensor avg_pool2d(const Tensor& input, Pair kernel, const Pool2dOptions& options) {
  Op op("avg_pool2d");
  const Tensor& x = op.operand("x", input, Kind::floating, kImages);
  see_options(op, kernel, options);
  if (x.dim() == 3) return op.result(squeeze(avg_pool2d(unsqueeze(x, 0), kernel, options), 0));
  if (!(options.dilation == Pair(1)))
    fail("avg_pool2d: has no dilation, got ({}, {})", options.dilation.h, options.dilation.w);
  const Tensor in = in_working_order(x);
  Pool2dGeometry geometry = Pool2dGeometry::of("avg_pool2d", in.layout(), kernel, options.stride,
                                               options.padding, 1, options.ceil_mode);
  geometry.count_padding = options.count_include_pad;
  return average(op, x, Pooling(geometry, in));
}

Tensor adaptive_avg_pool2d(const Tensor& input, Pair output) {
  Op op("adaptive_avg_pool2d");
  const Tensor& x = op.operand("x", input, Kind::floating, kImages);
  op.attribute("output", output);
  if (x.dim() == 3) return op.result(squeeze(adaptive_avg_pool2d(unsqueeze(x, 0), output), 0));
  const Tensor in = in_working_order(x);
  return average(op, x, Pooling(Pool2dGeometry::to_size("adaptive_avg_pool2d", in.layout(), output), in));
}

}  // namespace kiln
