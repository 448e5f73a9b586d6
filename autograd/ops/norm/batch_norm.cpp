#include <kiln/kernels/norm/batch_norm.h>

#include <cmath>
#include <limits>

#include <kiln/autograd/autocast.h>
#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/autograd/ops/working_order.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

using namespace autograd;
using kernels::BatchNormGeometry, kernels::BatchNormMask;

namespace {

void check_vector(const char* name, const Tensor& v, const Tensor& x) {
  if (v.defined() && v.shape()[0] != x.shape()[1])
    fail("batch_norm: {} must be [{}] for x {}, got {}", name, x.shape()[1], x.shape(), v.shape());
}

void check(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& running_mean,
           const Tensor& running_var, const BatchNormOptions& options, const Tensor& residual,
           const Tensor& batches) {
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
  if (batches.defined() && (batches.dtype() != int64 || batches.numel() != 1))
    fail("batch_norm: num_batches_tracked must be one int64, got {} {}", batches.dtype(), batches.shape());
  for (const Tensor& v : {running_mean, running_var})
    if (v.defined() && !v.is_floating_point())
      fail("batch_norm: running statistics must be floating-point, got {}", v.dtype());
  if (options.training && x.numel() == x.shape()[1])
    fail("batch_norm: training needs more than one value per channel, x is {}", x.shape());
  if (!(options.relu_max > 0)) fail("batch_norm: relu_max must be positive, got {}", options.relu_max);
}

// The end of the fused relu, as the kernels take it.
double relu_end(const BatchNormOptions& options) {
  return std::isinf(options.relu_max) ? std::numeric_limits<double>::quiet_NaN() : options.relu_max;
}

// What backward needs beside x: everything that the kernels see.
struct Normalised {
  Tensor y, mean, rstd;
};

// The running statistics as the kernels take them; those of another type or order are updated through copies.
class Running {
 public:
  Running(const Tensor& x, double momentum, const Tensor& mean, const Tensor& var, const Tensor& batches)
      : momentum_(momentum), batches_(batches), mean_(mean), var_(var) {
    here_mean_ = usable(x, mean);
    here_var_ = usable(x, var);
    if (batches.defined()) begin_in_place("batch_norm", batches);
  }
  kernels::BatchNormRunning view() const { return {here_mean_, here_var_, batches_, momentum_}; }
  void finish() const {
    if (mean_.defined() && !mean_.is_same(here_mean_)) mean_.copy_(here_mean_);
    if (var_.defined() && !var_.is_same(here_var_)) var_.copy_(here_var_);
  }

 private:
  static Tensor usable(const Tensor& x, const Tensor& v) {
    if (!v.defined()) return v;
    if (v.dtype() != wide_type(x) || !v.is_contiguous()) return contiguous(to(v, wide_type(x))).clone();
    begin_in_place("batch_norm", v);
    return v;
  }

  double momentum_;
  Tensor batches_, mean_, var_, here_mean_, here_var_;
};

Tensor vector_like(const Tensor& x) {
  TensorOptions options = like(x);
  options.dtype = wide_type(x);
  return empty({x.shape()[1]}, options);
}

Tensor empty_in(MemoryFormat order, const Tensor& x) {
  TensorOptions options = like(x);
  options.memory_format = order;
  return empty(x.shape(), options);
}

Normalised compute(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& running_mean,
                   const Tensor& running_var, const BatchNormOptions& options, const Tensor& residual,
                   const Tensor& batches) {
  const NoGrad no_grad;
  const MemoryFormat order = working_order(x);
  const Tensor in = contiguous(x, order), more = residual.defined() ? contiguous(residual, order) : residual;
  Normalised out{empty_in(order, x), {}, {}};
  const Tensor w = dense(weight), b = dense(bias);
  const auto geometry = BatchNormGeometry::of(in.layout());
  if (options.training && geometry.values() > 0) {
    out.mean = vector_like(x);
    out.rstd = vector_like(x);
    const Running running(x, options.momentum, running_mean, running_var, batches);
    on(x.device(), [&](auto& ctx) {
      kernels::batch_norm_train(ctx, geometry, in, options.eps, running.view(),
                                {out.mean, out.rstd, w, b, relu_end(options)}, more, options.relu, out.y);
    });
    running.finish();
    return out;
  }
  if (options.training) {
    out.mean = zeros_like(vector_like(x));
    out.rstd = ones_like(out.mean);
    if (batches.defined()) batches.add_(1);
  } else {
    out.mean = contiguous(to(running_mean, wide_type(x)));
    out.rstd = contiguous(rsqrt(add(to(running_var, wide_type(x)), options.eps)));
  }
  on(x.device(), [&](auto& ctx) {
    kernels::batch_norm_apply(ctx, geometry, in, {out.mean, out.rstd, w, b, relu_end(options)}, more,
                              options.relu, out.y);
  });
  return out;
}

// The gradients of x, weight, bias and residual in two passes over memory.
Gradients fused_gradients(const Tensor& g, const Tensor& x, const Tensor& weight, const Tensor& bias,
                          const Tensor& y, const Normalised& saved, const BatchNormOptions& options,
                          Wanted wanted) {
  Op op("batch_norm_backward");
  op.operand("g", g);
  op.operand("x", x);
  op.optional("weight", weight);
  op.optional("bias", bias);
  op.optional("y", y);
  op.operand("mean", saved.mean, Kind::state);
  op.operand("rstd", saved.rstd, Kind::state);
  op.attribute("training", options.training);
  op.attribute("relu", options.relu);
  op.attribute("relu_max", options.relu_max);
  const MemoryFormat order = working_order(x);
  const Tensor in = contiguous(x, order), grad = contiguous(g, order), w = dense(weight), b = dense(bias);
  const auto geometry = BatchNormGeometry::of(in.layout());
  const BatchNormMask mask = !options.relu ? BatchNormMask::none
                             : y.defined() ? BatchNormMask::from_y
                                           : BatchNormMask::from_x;
  const Tensor out = y.defined() ? contiguous(y, order) : y;
  Tensor masked = mask == BatchNormMask::from_y ? empty_in(order, x) : Tensor();
  const kernels::BatchNormVectors vectors{saved.mean, saved.rstd, w, b, relu_end(options)};
  const Tensor dweight = vector_like(x), dbias = vector_like(x);
  const bool by_batch = options.training && geometry.values() > 0;
  Tensor dx;
  if (by_batch && wanted[0]) {
    dx = empty_in(order, x);
    on(x.device(), [&](auto& ctx) {
      kernels::batch_norm_backward(ctx, geometry, in, grad, out, vectors, mask, dweight, dbias, masked, dx);
    });
  } else if (by_batch || wanted[1] || wanted[2] || mask == BatchNormMask::from_y) {
    on(x.device(), [&](auto& ctx) {
      kernels::batch_norm_sums(ctx, geometry, in, grad, out, vectors, mask, dweight, dbias, masked);
    });
  }
  return op.gradients(gradients(
      wanted,
      [&] {
        if (dx.defined()) return dx;
        const Tensor constant = empty_in(order, x), passed = masked.defined() ? masked : grad;
        on(x.device(), [&](auto& ctx) {
          kernels::batch_norm_input_grad(ctx, geometry, in, passed, vectors, mask, Tensor(), Tensor(),
                                         constant);
        });
        return constant;
      },
      [&] { return dweight; }, [&] { return dbias; }, [&] { return masked.defined() ? masked : grad; }));
}

// The same with public ops, so that it can be differentiated itself. `y` is the result, for the relu.
Gradients composite_gradients(const Tensor& g, const Tensor& x_any, const Tensor& weight, const Tensor& y,
                              const Normalised& saved, const BatchNormOptions& options, Wanted wanted) {
  const DType dtype = wide_type(x_any);
  const Tensor x = to(x_any, dtype);
  Dims dims{0};
  Shape channels = Dims::filled(x.dim(), 1);
  channels[1] = x.shape()[1];
  for (int i = 2; i < x.dim(); ++i) dims.push_back(i);
  const bool batch_statistics = options.training && x.numel() > 0;
  const double count = double(x.numel()) / double(std::max<int64_t>(1, x.shape()[1]));
  Tensor v = to(g, dtype);
  if (options.relu) v = masked_fill(v, le(y, 0), 0);
  if (options.relu && !std::isinf(options.relu_max)) v = masked_fill(v, ge(y, options.relu_max), 0);
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

Tensor batch_norm(const Tensor& input, const Tensor& scale, const Tensor& shift, const Tensor& running_mean,
                  const Tensor& running_var, const BatchNormOptions& options, const Tensor& addend,
                  const Tensor& num_batches_tracked) {
  Op op("batch_norm");
  const Tensor& x = op.operand("x", input, Kind::floating, {2, kMaxRank, "[N,C], [N,C,L] or [N,C,H,W]"});
  const Tensor& weight = op.optional("weight", scale, Kind::floating, {1, 1, "[C]"});
  const Tensor& bias = op.optional("bias", shift, Kind::floating, {1, 1, "[C]"});
  const Tensor& residual = op.optional("residual", addend, Kind::floating);
  op.optional("running_mean", running_mean, Kind::state, {1, 1, "[C]"});
  op.optional("running_var", running_var, Kind::state, {1, 1, "[C]"});
  op.optional("num_batches_tracked", num_batches_tracked, Kind::state);
  op.attribute("training", options.training);
  op.attribute("momentum", options.momentum);
  op.attribute("eps", options.eps);
  op.attribute("relu", options.relu);
  op.attribute("relu_max", options.relu_max);
  const auto again = [&](const Tensor& a, const Tensor& w, const Tensor& b, const Tensor& r) {
    return op.result(batch_norm(a, w, b, running_mean, running_var, options, r, num_batches_tracked));
  };
  // Of two types, as autocast makes them, the wider one.
  if (autocast_enabled() && residual.defined() && residual.dtype() != x.dtype()) {
    const DType wider = promote_types(x.dtype(), residual.dtype());
    return again(to(x, wider), weight, bias, to(residual, wider));
  }
  check(x, weight, bias, running_mean, running_var, options, residual, num_batches_tracked);
  const DType dtype = wide_type(x);
  const auto other_type = [&](const Tensor& v) { return v.defined() && v.dtype() != dtype; };
  if (other_type(weight) || other_type(bias))
    return again(x, weight.defined() ? to(weight, dtype) : weight, bias.defined() ? to(bias, dtype) : bias,
                 residual);
  const Normalised out =
      compute(x, weight, bias, running_mean, running_var, options, residual, num_batches_tracked);
  const bool keep_y = options.relu && residual.defined();
  return op.record(out.y, [x = Saved(x), weight = Saved(weight), bias = Saved(bias), mean = Saved(out.mean),
                           rstd = Saved(out.rstd), y = keep_y ? Saved(SavedOutput(out.y)) : Saved(),
                           options](const Tensor& g, Wanted wanted) {
    const Normalised saved{{}, mean.get(), rstd.get()};
    if (!grad_enabled())
      return fused_gradients(g, x.get(), weight.get(), bias.get(), y.get(), saved, options, wanted);
    Tensor result = y.get();
    if (options.relu && !result.defined()) {
      const NoGrad no_grad;
      const Tensor in = contiguous(x.get(), working_order(x.get())), w = dense(weight.get()),
                   b = dense(bias.get());
      result = empty_in(working_order(in), in);
      on(in.device(), [&](auto& ctx) {
        kernels::batch_norm_apply(ctx, BatchNormGeometry::of(in.layout()), in, {saved.mean, saved.rstd, w, b},
                                  Tensor(), false, result);
      });
    }
    return composite_gradients(g, x.get(), weight.get(), result, saved, options, wanted);
  });
}

}  // namespace kiln
