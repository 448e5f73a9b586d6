#include <kiln/kernels/batch_norm.h>

#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/autocast.h>
#include <kiln/autograd/ops/working_order.h>
#include <kiln/autograd/record.h>
#include <kiln/tensor/fail.h>

namespace kiln {

using namespace autograd;
using kernels::BatchNormGeometry, kernels::BatchNormMask;

namespace {

DType vector_type(const Tensor& x) { return x.dtype() == float64 ? float64 : float32; }

void check_vector(const char* name, const Tensor& v, const Tensor& x) {
  if (!v.defined()) return;
  if (v.dim() != 1 || v.shape()[0] != x.shape()[1])
    fail("batch_norm: {} must be [{}] for x {}, got {}", name, x.shape()[1], x.shape(), v.shape());
  if (v.device() != x.device()) fail("batch_norm: x is on {}, {} on {}", x.device(), name, v.device());
  if (!v.is_floating_point()) fail("batch_norm: {} must be floating-point, got {}", name, v.dtype());
}

void check(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& running_mean,
           const Tensor& running_var, const BatchNormOptions& options, const Tensor& residual) {
  if (!x.is_floating_point()) fail("batch_norm: needs a floating-point tensor, got {}", x.dtype());
  if (x.dim() < 2) fail("batch_norm: x must be [N,C], [N,C,L] or [N,C,H,W], got {}", x.shape());
  check_vector("weight", weight, x);
  check_vector("bias", bias, x);
  check_vector("running_mean", running_mean, x);
  check_vector("running_var", running_var, x);
  if (running_mean.defined() != running_var.defined())
    fail("batch_norm: running_mean and running_var go together, only one is defined");
  if (!options.training && !running_mean.defined())
    fail("batch_norm: inference needs running_mean and running_var");
  if (residual.defined() && (!(residual.shape() == x.shape()) || residual.dtype() != x.dtype()))
    fail("batch_norm: residual must be like x, {} {}, got {} {}", x.dtype(), x.shape(), residual.dtype(),
         residual.shape());
  if (options.training && x.numel() == x.shape()[1])
    fail("batch_norm: training needs more than one value per channel, x is {}", x.shape());
}

// What backward needs beside x: everything that the kernels see.
struct Normalised {
  Tensor y, mean, rstd;
};

// Statistics of x into fresh vectors; running ones of another type or order are updated through copies.
void statistics(const Tensor& x, const BatchNormOptions& options, const Tensor& running_mean,
                const Tensor& running_var, Normalised& out) {
  const auto direct = [&](const Tensor& v) { return v.dtype() == vector_type(x) && v.is_contiguous(); };
  const auto geometry = BatchNormGeometry::of(x.layout());
  if (geometry.values() == 0) {
    out.mean.zero_();
    out.rstd.fill_(1);
    return;
  }
  const bool has_running = running_mean.defined();
  const auto usable = [&](const Tensor& v) {
    return !has_running || direct(v) ? v : contiguous(to(v, vector_type(x)));
  };
  const Tensor mean = usable(running_mean), var = usable(running_var);
  if (has_running && direct(running_mean)) begin_in_place("batch_norm", running_mean);
  if (has_running && direct(running_var)) begin_in_place("batch_norm", running_var);
  on(x.device(), [&](auto& ctx) {
    kernels::batch_norm_statistics(ctx, geometry, x, options.eps, options.momentum, mean, var, out.mean,
                                   out.rstd);
  });
  if (!has_running) return;
  if (!direct(running_mean)) running_mean.copy_(mean);
  if (!direct(running_var)) running_var.copy_(var);
}

Tensor vector_like(const Tensor& x) {
  TensorOptions options = like(x);
  options.dtype = vector_type(x);
  return empty({x.shape()[1]}, options);
}

Tensor empty_in(MemoryFormat order, const Tensor& x) {
  TensorOptions options = like(x);
  options.memory_format = order;
  return empty(x.shape(), options);
}

Tensor dense_vector(const Tensor& v) { return v.defined() ? contiguous(v) : v; }

Normalised compute(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& running_mean,
                   const Tensor& running_var, const BatchNormOptions& options, const Tensor& residual) {
  const NoGrad no_grad;
  const MemoryFormat order = working_order(x);
  const Tensor in = contiguous(x, order), more = residual.defined() ? contiguous(residual, order) : residual;
  Normalised out{empty_in(order, x), {}, {}};
  if (options.training) {
    out.mean = vector_like(x);
    out.rstd = vector_like(x);
    statistics(in, options, running_mean, running_var, out);
  } else {
    out.mean = contiguous(to(running_mean, vector_type(x)));
    out.rstd = contiguous(rsqrt(add(to(running_var, vector_type(x)), options.eps)));
  }
  const Tensor w = dense_vector(weight), b = dense_vector(bias);
  on(x.device(), [&](auto& ctx) {
    kernels::batch_norm_apply(ctx, BatchNormGeometry::of(in.layout()), in, {out.mean, out.rstd, w, b}, more,
                              options.relu, out.y);
  });
  return out;
}

// The gradients of x, weight, bias and residual in two passes over memory.
Gradients fused_gradients(const Tensor& g, const Tensor& x, const Tensor& weight, const Tensor& bias,
                          const Tensor& y, const Normalised& saved, const BatchNormOptions& options,
                          Wanted wanted) {
  const MemoryFormat order = working_order(x);
  const Tensor in = contiguous(x, order), grad = contiguous(g, order), w = dense_vector(weight),
               b = dense_vector(bias);
  const auto geometry = BatchNormGeometry::of(in.layout());
  const BatchNormMask mask = !options.relu ? BatchNormMask::none
                             : y.defined() ? BatchNormMask::from_y
                                           : BatchNormMask::from_x;
  const Tensor out = y.defined() ? contiguous(y, order) : y;
  Tensor masked = mask == BatchNormMask::from_y ? empty_in(order, x) : Tensor();
  const kernels::BatchNormVectors vectors{saved.mean, saved.rstd, w, b};
  const Tensor dweight = vector_like(x), dbias = vector_like(x);
  if (options.training || wanted[1] || wanted[2] || mask == BatchNormMask::from_y)
    on(x.device(), [&](auto& ctx) {
      kernels::batch_norm_sums(ctx, geometry, in, grad, out, vectors, mask, dweight, dbias, masked);
    });
  return gradients(
      wanted,
      [&] {
        const Tensor dx = empty_in(order, x), passed = masked.defined() ? masked : grad;
        const Tensor sum_dot = options.training ? dweight : Tensor(),
                     sum_g = options.training ? dbias : Tensor();
        on(x.device(), [&](auto& ctx) {
          kernels::batch_norm_input_grad(ctx, geometry, in, passed, vectors, mask, sum_dot, sum_g, dx);
        });
        return dx;
      },
      [&] { return dweight; }, [&] { return dbias; }, [&] { return masked.defined() ? masked : grad; });
}

// The same with public ops, so that it can be differentiated itself. `y` is the result, for the relu.
Gradients composite_gradients(const Tensor& g, const Tensor& x_any, const Tensor& weight, const Tensor& y,
                              const Normalised& saved, const BatchNormOptions& options, Wanted wanted) {
  const DType dtype = vector_type(x_any);
  const Tensor x = to(x_any, dtype);
  Dims dims{0};
  Shape channels = Dims::filled(x.dim(), 1);
  channels[1] = x.shape()[1];
  for (int i = 2; i < x.dim(); ++i) dims.push_back(i);
  const bool batch_statistics = options.training && x.numel() > 0;
  const double count = double(x.numel()) / double(std::max<int64_t>(1, x.shape()[1]));
  const Tensor v = options.relu ? masked_fill(to(g, dtype), le(y, 0), 0) : to(g, dtype);
  const Tensor mean_x = batch_statistics ? mean(x, dims, true) : reshape(saved.mean, channels);
  const Tensor centred = x - mean_x;
  const Tensor rstd = batch_statistics ? rsqrt(mean(centred * centred, dims, true) + options.eps)
                                       : reshape(saved.rstd, channels);
  const Tensor normal = centred * rstd, sum_g = sum(v, dims, true), dot = sum(v * normal, dims, true);
  return gradients(
      wanted,
      [&] {
        const Tensor scale = weight.defined() ? rstd * reshape(weight, channels) : rstd;
        const Tensor inner = batch_statistics ? v - sum_g / count - normal * (dot / count) : v;
        return to(scale * inner, x_any.dtype());
      },
      [&] { return reshape(dot, {channels[1]}); }, [&] { return reshape(sum_g, {channels[1]}); },
      [&] { return to(v, x_any.dtype()); });
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& running_mean,
                  const Tensor& running_var, const BatchNormOptions& options, const Tensor& residual) {
  if (autocast_enabled() && residual.defined() && residual.dtype() != x.dtype()) {
    const DType wider = promote_types(x.dtype(), residual.dtype());
    return batch_norm(to(x, wider), weight, bias, running_mean, running_var, options, to(residual, wider));
  }
  check(x, weight, bias, running_mean, running_var, options, residual);
  const DType dtype = vector_type(x);
  const auto other_type = [&](const Tensor& v) { return v.defined() && v.dtype() != dtype; };
  if (other_type(weight) || other_type(bias))
    return batch_norm(x, weight.defined() ? to(weight, dtype) : weight,
                      bias.defined() ? to(bias, dtype) : bias, running_mean, running_var, options, residual);
  const Normalised out = compute(x, weight, bias, running_mean, running_var, options, residual);
  const bool keep_y = options.relu && residual.defined();
  return record("batch_norm", {x, weight, bias, residual}, out.y,
                [x = Saved(x), weight = Saved(weight), bias = Saved(bias), mean = Saved(out.mean),
                 rstd = Saved(out.rstd), y = keep_y ? Saved(SavedOutput(out.y)) : Saved(),
                 options](const Tensor& g, Wanted wanted) {
                  const Normalised saved{{}, mean.get(), rstd.get()};
                  if (!grad_enabled())
                    return fused_gradients(g, x.get(), weight.get(), bias.get(), y.get(), saved, options,
                                           wanted);
                  Tensor result = y.get();
                  if (options.relu && !result.defined()) {
                    const NoGrad no_grad;
                    const Tensor in = contiguous(x.get(), working_order(x.get())),
                                 w = dense_vector(weight.get()), b = dense_vector(bias.get());
                    result = empty_in(working_order(in), in);
                    on(in.device(), [&](auto& ctx) {
                      kernels::batch_norm_apply(ctx, BatchNormGeometry::of(in.layout()), in,
                                                {saved.mean, saved.rstd, w, b}, Tensor(), false, result);
                    });
                  }
                  return composite_gradients(g, x.get(), weight.get(), result, saved, options, wanted);
                });
}

}  // namespace kiln
