#include <kiln/kernels/norm/layer_norm.h>

#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/autocast.h>
#include <kiln/autograd/record.h>
#include <kiln/tensor/fail.h>

namespace kiln {

using namespace autograd;
using kernels::LayerNormGeometry;

namespace {

// What the statistics and the parameters are kept in.
DType vector_type(const Tensor& x) { return x.dtype() == float64 ? float64 : float32; }

void check_parameter(const char* name, const Tensor& v, const Tensor& x, const Shape& shape) {
  if (!v.defined()) return;
  if (v.device() != x.device())
    fail("layer_norm: x is on {}, {} on {}; move one with .to(device)", x.device(), name, v.device());
  if (!(v.shape() == shape)) fail("layer_norm: {} must be {}, got {}", name, shape, v.shape());
  if (!v.is_floating_point()) fail("layer_norm: {} must be floating-point, got {}", name, v.dtype());
}

Tensor dense(const Tensor& v) { return v.defined() ? contiguous(v) : v; }

Tensor vector(const Tensor& x, const Shape& shape) {
  TensorOptions options = like(x);
  options.dtype = vector_type(x);
  return empty(shape, options);
}

Gradients fused_gradients(const Tensor& g, const Tensor& x, const Tensor& weight, const Tensor& mean,
                          const Tensor& rstd, const LayerNormGeometry& geometry, const Shape& shape,
                          Wanted wanted) {
  const Tensor in = contiguous(x), grad = contiguous(g), w = dense(weight);
  Tensor dweight, dbias;
  if (wanted[1] || wanted[2]) {
    dweight = vector(x, shape);
    dbias = vector(x, shape);
    on(x.device(),
       [&](auto& ctx) { kernels::layer_norm_sums(ctx, geometry, in, grad, mean, rstd, dweight, dbias); });
  }
  return gradients(
      wanted,
      [&] {
        const Tensor dx = empty(x.shape(), like(x));
        on(x.device(),
           [&](auto& ctx) { kernels::layer_norm_input_grad(ctx, geometry, in, grad, w, mean, rstd, dx); });
        return dx;
      },
      [&] { return dweight; }, [&] { return dbias; });
}

// The same with public ops, so that it can be differentiated itself.
Gradients composite_gradients(const Tensor& g_any, const Tensor& x_any, const Tensor& weight, double eps,
                              const Shape& shape, Wanted wanted) {
  const DType dtype = vector_type(x_any);
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

Tensor layer_norm(const Tensor& x, const Shape& shape, const Tensor& weight, const Tensor& bias, double eps) {
  if (autocast_enabled())
    return in_float32([&](const Tensor& wide) { return layer_norm(wide, shape, weight, bias, eps); }, x);
  if (!x.is_floating_point()) fail("layer_norm: needs a floating-point tensor, got {}", x.dtype());
  const auto geometry = LayerNormGeometry::of(x.shape(), shape);
  check_parameter("weight", weight, x, shape);
  check_parameter("bias", bias, x, shape);
  const DType dtype = vector_type(x);
  const auto other_type = [&](const Tensor& v) { return v.defined() && v.dtype() != dtype; };
  if (other_type(weight) || other_type(bias))
    return layer_norm(x, shape, weight.defined() ? to(weight, dtype) : weight,
                      bias.defined() ? to(bias, dtype) : bias, eps);
  const Tensor y = empty(x.shape(), like(x)), mean = vector(x, {geometry.rows}),
               rstd = vector(x, {geometry.rows});
  {
    const NoGrad no_grad;
    const Tensor in = contiguous(x), w = dense(weight), b = dense(bias);
    on(x.device(), [&](auto& ctx) { kernels::layer_norm(ctx, geometry, in, w, b, eps, y, mean, rstd); });
  }
  return record("layer_norm", {x, weight, bias}, y,
                [x = Saved(x), weight = Saved(weight), mean = Saved(mean), rstd = Saved(rstd), geometry,
                 shape, eps](const Tensor& g, Wanted wanted) {
                  if (grad_enabled())
                    return composite_gradients(g, x.get(), weight.get(), eps, shape, wanted);
                  return fused_gradients(g, x.get(), weight.get(), mean.get(), rstd.get(), geometry, shape,
                                         wanted);
                });
}

}  // namespace kiln
