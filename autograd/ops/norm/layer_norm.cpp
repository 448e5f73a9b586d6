#include <kiln/kernels/norm/layer_norm.h>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

using namespace autograd;
using kernels::LayerNormGeometry;

namespace {

void check_parameter(const char* name, const Tensor& v, const Shape& shape) {
  if (v.defined() && !(v.shape() == shape)) fail("layer_norm: {} must be {}, got {}", name, shape, v.shape());
}

Tensor vector(const Tensor& x, const Shape& shape) {
  TensorOptions options = like(x);
  options.dtype = wide_type(x);
  return empty(shape, options);
}

Gradients fused_gradients(const Tensor& g, const Tensor& x, const Tensor& weight, const Tensor& mean,
                          const Tensor& rstd, const LayerNormGeometry& geometry, const Shape& shape,
                          Wanted wanted) {
  Op op("layer_norm_backward");
  op.operand("g", g);
  op.operand("x", x);
  op.optional("weight", weight);
  op.operand("mean", mean, Kind::state);
  op.operand("rstd", rstd, Kind::state);
  op.attribute("shape", shape);
  const Tensor in = contiguous(x), grad = contiguous(g), w = dense(weight);
  Tensor dweight, dbias;
  if (wanted[1] || wanted[2]) {
    dweight = vector(x, shape);
    dbias = vector(x, shape);
    on(x.device(),
       [&](auto& ctx) { kernels::layer_norm_sums(ctx, geometry, in, grad, mean, rstd, dweight, dbias); });
  }
  return op.gradients(gradients(
      wanted,
      [&] {
        const Tensor dx = empty(x.shape(), like(x));
        on(x.device(),
           [&](auto& ctx) { kernels::layer_norm_input_grad(ctx, geometry, in, grad, w, mean, rstd, dx); });
        return dx;
      },
      [&] { return dweight; }, [&] { return dbias; }));
}

// The same with public ops, so that it can be differentiated itself.
Gradients composite_gradients(const Tensor& g_any, const Tensor& x_any, const Tensor& weight, double eps,
                              const Shape& shape, Wanted wanted) {
  const DType dtype = wide_type(x_any);
  const Tensor x = to(x_any, dtype), g = to(g_any, dtype);
  Dims dims;
  for (int i = x.dim() - shape.rank(); i < x.dim(); ++i) dims.push_back(i);
  const Tensor centred = x - mean(x, dims, true), rstd = rsqrt(mean(centred * centred, dims, true) + eps),
               normal = centred * rstd;
  return gradients(
      wanted,
      [&] {
        const Tensor v = weight.defined() ? g * weight : g;
        return to(rstd * (v - mean(v, dims, true) - normal * mean(v * normal, dims, true)), x_any.dtype());
      },
      [&] { return sum_to(g * normal, shape, dtype); }, [&] { return sum_to(g, shape, dtype); });
}

}  // namespace

Tensor layer_norm(const Tensor& input, const Shape& shape, const Tensor& scale, const Tensor& shift,
                  double eps) {
  Op op("layer_norm");
  const Tensor& x = op.operand("x", input, Kind::floating);
  const Tensor& weight = op.optional("weight", scale, Kind::floating);
  const Tensor& bias = op.optional("bias", shift, Kind::floating);
  op.attribute("shape", shape);
  op.attribute("eps", eps);
  const auto geometry = LayerNormGeometry::of(x.shape(), shape);
  check_parameter("weight", weight, shape);
  check_parameter("bias", bias, shape);
  const DType dtype = wide_type(x);
  const auto other_type = [&](const Tensor& v) { return v.defined() && v.dtype() != dtype; };
  if (other_type(weight) || other_type(bias))
    return op.result(layer_norm(x, shape, weight.defined() ? to(weight, dtype) : weight,
                                bias.defined() ? to(bias, dtype) : bias, eps));
  const Tensor y = empty(x.shape(), like(x)), mean = vector(x, {geometry.rows}),
               rstd = vector(x, {geometry.rows});
  {
    const NoGrad no_grad;
    const Tensor in = contiguous(x), w = dense(weight), b = dense(bias);
    on(x.device(), [&](auto& ctx) { kernels::layer_norm(ctx, geometry, in, w, b, eps, y, mean, rstd); });
  }
  return op.record(y, [x = Saved(x), weight = Saved(weight), mean = Saved(mean), rstd = Saved(rstd), geometry,
                       shape, eps](const Tensor& g, Wanted wanted) {
    if (grad_enabled()) return composite_gradients(g, x.get(), weight.get(), eps, shape, wanted);
    return fused_gradients(g, x.get(), weight.get(), mean.get(), rstd.get(), geometry, shape, wanted);
  });
}

}  // namespace kiln
