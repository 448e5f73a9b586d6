#include <kiln/kernels/conv/pool2d.h>

#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/working_order.h>
#include <kiln/autograd/record.h>
#include <kiln/tensor/fail.h>

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

void check(const char* op, const Tensor& x) {
  if (!x.is_floating_point()) fail("{}: needs a floating-point tensor, got {}", op, x.dtype());
  if (x.dim() != 4) fail("{}: x must be [C,H,W] or [N,C,H,W], got {}", op, x.shape());
}

Tensor in_working_order(const Tensor& x) {
  const NoGrad no_grad;
  return contiguous(x, working_order(x));
}

Tensor max_gather(const Tensor& x, const Tensor& index, const Pooling& pooling);

Tensor max_backward(const Tensor& g, const Tensor& index, const Pooling& pooling) {
  const Tensor dx = pooling.like_x(g), grad = pooling.dense(g);
  on(g.device(), [&](auto& ctx) { kernels::max_pool2d_backward(ctx, pooling.geometry, grad, index, dx); });
  return record("max_pool2d_backward", {g}, dx,
                [index, pooling](const Tensor& v) { return max_gather(v, index, pooling); });
}

Tensor max_gather(const Tensor& x, const Tensor& index, const Pooling& pooling) {
  const Tensor y = pooling.like_y(x), in = pooling.dense(x);
  on(x.device(), [&](auto& ctx) { kernels::max_pool2d_gather(ctx, pooling.geometry, in, index, y); });
  return record("max_pool2d_gather", {x}, y,
                [index, pooling](const Tensor& g) { return max_backward(g, index, pooling); });
}

Tensor average_backward(const char* op, const Tensor& g, const Pooling& pooling);

Tensor average(const char* op, const Tensor& x, const Pooling& pooling) {
  const Tensor y = pooling.like_y(x), in = pooling.dense(x);
  on(x.device(), [&](auto& ctx) { kernels::avg_pool2d(ctx, pooling.geometry, in, y); });
  return record(op, {x}, y, [op, pooling](const Tensor& g) { return average_backward(op, g, pooling); });
}

Tensor average_backward(const char* op, const Tensor& g, const Pooling& pooling) {
  const Tensor dx = pooling.like_x(g), grad = pooling.dense(g);
  on(g.device(), [&](auto& ctx) { kernels::avg_pool2d_backward(ctx, pooling.geometry, grad, dx); });
  return record("avg_pool2d_backward", {g}, dx,
                [op, pooling](const Tensor& v) { return average(op, v, pooling); });
}

}  // namespace

Tensor max_pool2d(const Tensor& x, Pair kernel, const Pool2dOptions& options) {
  if (x.dim() == 3) return squeeze(max_pool2d(unsqueeze(x, 0), kernel, options), 0);
  check("max_pool2d", x);
  const Tensor in = in_working_order(x);
  const Pooling pooling(Pool2dGeometry::of("max_pool2d", in.layout(), kernel, options.stride, options.padding,
                                           options.dilation, options.ceil_mode),
                        in);
  const Tensor y = pooling.like_y(x), index = pooling.make(pooling.y_shape, x, pooling.geometry.index_type());
  on(x.device(), [&](auto& ctx) { kernels::max_pool2d(ctx, pooling.geometry, in, y, index); });
  return record("max_pool2d", {x}, y,
                [index, pooling](const Tensor& g) { return max_backward(g, index, pooling); });
}

Tensor avg_pool2d(const Tensor& x, Pair kernel, const Pool2dOptions& options) {
  if (x.dim() == 3) return squeeze(avg_pool2d(unsqueeze(x, 0), kernel, options), 0);
  check("avg_pool2d", x);
  if (!(options.dilation == Pair(1)))
    fail("avg_pool2d: has no dilation, got ({}, {})", options.dilation.h, options.dilation.w);
  const Tensor in = in_working_order(x);
  Pool2dGeometry geometry = Pool2dGeometry::of("avg_pool2d", in.layout(), kernel, options.stride,
                                               options.padding, 1, options.ceil_mode);
  geometry.count_padding = options.count_include_pad;
  return average("avg_pool2d", x, Pooling(geometry, in));
}

Tensor adaptive_avg_pool2d(const Tensor& x, Pair output) {
  if (x.dim() == 3) return squeeze(adaptive_avg_pool2d(unsqueeze(x, 0), output), 0);
  check("adaptive_avg_pool2d", x);
  const Tensor in = in_working_order(x);
  return average("adaptive_avg_pool2d", x,
                 Pooling(Pool2dGeometry::to_size("adaptive_avg_pool2d", in.layout(), output), in));
}

}  // namespace kiln
