#include <kiln/kernels/conv/conv2d.h>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

using namespace autograd;
using kernels::Conv2dGeometry;

namespace {

Conv2dGeometry geometry_of(const Shape& x, const Shape& weight, const Conv2dOptions& options) {
  return Conv2dGeometry::of(x, weight, options.stride, options.padding, options.dilation, options.groups);
}

void see_options(Op& op, const Conv2dOptions& options) {
  op.attribute("stride", options.stride);
  op.attribute("padding", options.padding);
  op.attribute("dilation", options.dilation);
  op.attribute("groups", options.groups);
  op.attribute("relu", options.relu);
}

// Of a gradient: the relu's part in it is the op's own.
Conv2dOptions linear_part(Conv2dOptions options) {
  options.relu = false;
  return options;
}

void check_gradient(const char* op, const Tensor& g, const Conv2dGeometry& geometry) {
  if (!(g.shape() == geometry.y_shape()))
    fail("{}: the gradient is {}, the convolution gives {}", op, g.shape(), geometry.y_shape());
}

bool computes(const Tensor& x) {
  bool result = false;
  on(x.device(), [&](auto& ctx) { result = kernels::conv2d_computes(ctx, x.dtype()); });
  return result;
}

Tensor channels_last(const Tensor& x) { return contiguous(x, MemoryFormat::channels_last); }
Tensor any_order(const Tensor& weight) { return weight.layout().is_dense() ? weight : contiguous(weight); }
Tensor empty_activation(const Shape& shape, const Tensor& x) {
  TensorOptions options = like(x);
  options.memory_format = MemoryFormat::channels_last;
  return empty(shape, options);
}

Tensor forward(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv2dGeometry& geometry,
               bool relu) {
  const NoGrad no_grad;
  const Tensor y = empty_activation(geometry.y_shape(), x), in = channels_last(x),
               filters = any_order(weight), offsets = bias.defined() ? contiguous(bias) : bias;
  on(x.device(), [&](auto& ctx) { kernels::conv2d_forward(ctx, geometry, in, filters, offsets, relu, y); });
  return y;
}

Tensor input_grad(const Tensor& g, const Tensor& weight, const Conv2dGeometry& geometry) {
  const NoGrad no_grad;
  const Tensor dx = empty_activation({geometry.batch, geometry.channels, geometry.height, geometry.width}, g),
               in = channels_last(g), filters = any_order(weight);
  on(g.device(), [&](auto& ctx) { kernels::conv2d_input_grad(ctx, geometry, in, filters, dx); });
  return dx;
}

Tensor weight_grad(const Tensor& g, const Tensor& x, const Shape& shape, MemoryFormat order,
                   const Conv2dGeometry& geometry) {
  const NoGrad no_grad;
  TensorOptions dense = like(g);
  dense.memory_format = order;
  const Tensor dw = empty(shape, dense), out = channels_last(g), in = channels_last(x);
  on(g.device(), [&](auto& ctx) { kernels::conv2d_weight_grad(ctx, geometry, out, in, dw); });
  return dw;
}

}  // namespace

Tensor conv2d(const Tensor& input, const Tensor& kernel, const Tensor& offset, const Conv2dOptions& options) {
  Op op("conv2d");
  const Tensor& x = op.operand("x", input, Kind::floating, {3, 4, "[N,C,H,W] or [C,H,W]"});
  const Tensor& weight = op.operand("weight", kernel, Kind::floating, {4, 4, "[K,C/groups,R,S]"});
  const Tensor& bias = op.optional("bias", offset, Kind::floating, {1, 1, "[K]"});
  op.need_one_type();
  see_options(op, options);
  if (x.dim() == 3) return op.result(squeeze(conv2d(unsqueeze(x, 0), weight, bias, options), 0));
  const Conv2dGeometry geometry = geometry_of(x.shape(), weight.shape(), options);
  if (bias.defined() && bias.shape()[0] != geometry.filters)
    fail("conv2d: bias must be [{}] (weight {}), got {}", geometry.filters, weight.shape(), bias.shape());
  if (!computes(x))
    return op.result(
        to(conv2d(to(x, float32), to(weight, float32), bias.defined() ? to(bias, float32) : bias, options),
           x.dtype()));
  const Tensor y = forward(x, weight, bias, geometry, options.relu);
  return op.record(
      y, [x = Saved(x), weight = Saved(weight), x_shape = x.shape(), weight_shape = weight.shape(),
          y = options.relu ? Saved(SavedOutput(y)) : Saved(), order = weight.suggested_memory_format(),
          options = linear_part(options)](const Tensor& above, Wanted wanted) {
        const Tensor result = y.get(), g = result.defined() ? masked_fill(above, le(result, 0), 0) : above;
        return gradients(
            wanted, [&] { return conv2d_input_grad(g, weight.get(), x_shape, options); },
            [&] { return conv2d_weight_grad(g, x.get(), weight_shape, options, order); },
            [&] {
              return sum(g, {0, 2, 3});
            });
      });
}

Tensor conv2d_input_grad(const Tensor& gradient, const Tensor& kernel, const Shape& shape,
                         const Conv2dOptions& options) {
  Op op("conv2d_input_grad");
  const Tensor& g = op.operand("g", gradient, Kind::floating);
  const Tensor& weight = op.operand("weight", kernel, Kind::floating);
  op.need_one_type();
  op.attribute("shape", shape);
  see_options(op, options);
  const Conv2dGeometry geometry = geometry_of(shape, weight.shape(), options);
  check_gradient("conv2d_input_grad", g, geometry);
  if (!computes(g))
    return op.result(to(conv2d_input_grad(to(g, float32), to(weight, float32), shape, options), g.dtype()));
  return op.record(input_grad(g, weight, geometry),
                   [g = Saved(g), weight = Saved(weight), weight_shape = weight.shape(),
                    options = linear_part(options)](const Tensor& v, Wanted wanted) {
                     return gradients(
                         wanted, [&] { return conv2d(v, weight.get(), {}, options); },
                         [&] { return conv2d_weight_grad(g.get(), v, weight_shape, options); });
                   });
}

Tensor conv2d_weight_grad(const Tensor& gradient, const Tensor& input, const Shape& shape,
                          const Conv2dOptions& options, MemoryFormat order) {
  Op op("conv2d_weight_grad");
  const Tensor& g = op.operand("g", gradient, Kind::floating);
  const Tensor& x = op.operand("x", input, Kind::floating);
  op.need_one_type();
  op.attribute("shape", shape);
  see_options(op, options);
  const Conv2dGeometry geometry = geometry_of(x.shape(), shape, options);
  check_gradient("conv2d_weight_grad", g, geometry);
  if (!computes(g))
    return op.result(
        to(conv2d_weight_grad(to(g, float32), to(x, float32), shape, options, order), g.dtype()));
  return op.record(weight_grad(g, x, shape, order, geometry),
                   [g = Saved(g), x = Saved(x), x_shape = x.shape(), options = linear_part(options)](
                       const Tensor& v, Wanted wanted) {
                     return gradients(
                         wanted, [&] { return conv2d(x.get(), v, {}, options); },
                         [&] { return conv2d_input_grad(g.get(), v, x_shape, options); });
                   });
}

}  // namespace kiln
