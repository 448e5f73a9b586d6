#include <kiln/nn/layers/batch_norm.h>

#include <cmath>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/nn/repr.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn {

BatchNorm::BatchNorm(const char* name, int64_t num_features, const BatchNormLayerOptions& options)
    : num_features_(num_features), options_(options) {
  if (num_features < 1) fail("{}: num_features must be at least 1, got {}", name, num_features);
  if (options.affine) {
    weight = Parameter(ones({num_features}));
    bias = Parameter(zeros({num_features}));
  }
  if (options.track_running_stats) {
    running_mean = Buffer(zeros({num_features}));
    running_var = Buffer(ones({num_features}));
    num_batches_tracked = Buffer(zeros({}, {.dtype = int64}));
  }
}

void BatchNorm::reset_running_stats() {
  if (!options_.track_running_stats) return;
  running_mean.zero_();
  running_var.fill_(1);
  num_batches_tracked.zero_();
}

void BatchNorm::reset_parameters() {
  const NoGrad no_grad;
  reset_running_stats();
  if (!options_.affine) return;
  weight.fill_(1);
  bias.zero_();
}

// The running statistics are averages over all batches; their number is known on the device only.
Tensor BatchNorm::normalise_and_average(const Tensor& x, const Fused& fused) const {
  Tensor mean, var;
  {
    const NoGrad no_grad;
    mean = zeros_like(running_mean);
    var = zeros_like(running_var);
  }
  const Tensor y = batch_norm(
      x, weight, bias, mean, var,
      {.training = true, .momentum = 1, .eps = options_.eps, .relu = fused.relu, .relu_max = fused.relu_max},
      fused.residual, num_batches_tracked);
  if (x.numel() == 0) return y;
  const NoGrad no_grad;
  const Tensor share = reciprocal(num_batches_tracked.to(running_mean.dtype()));
  running_mean.add_((mean - running_mean) * share);
  running_var.add_((var - running_var) * share);
  return y;
}

namespace {

// What is left of one whose numbers a convolution took over (models::fuse_conv_bn).
Tensor folded(const BatchNorm& norm, const Tensor& x, bool relu, double relu_max, const Tensor& residual) {
  if (norm.is_training())
    fail("{}: it is folded into the convolution before it, for inference only", norm.type_name());
  const Tensor y = residual.defined() ? x + residual : x;
  if (!relu) return y;
  return std::isinf(relu_max) ? kiln::relu(y) : clamp(y, 0, relu_max);
}

}  // namespace

Tensor BatchNorm::normalise(const Tensor& x, const Fused& fused) const {
  if (!x.defined()) fail("{}: x is undefined", type_name());
  check_rank(x);
  if (options_.track_running_stats && !running_mean.defined())
    return folded(*this, x, fused.relu, fused.relu_max, fused.residual);
  const bool tracks = is_training() && options_.track_running_stats;
  if (tracks && !options_.momentum) return normalise_and_average(x, fused);
  return batch_norm(x, weight, bias, running_mean, running_var,
                    {.training = is_training() || !options_.track_running_stats,
                     .momentum = options_.momentum.value_or(0),
                     .eps = options_.eps,
                     .relu = fused.relu,
                     .relu_max = fused.relu_max},
                    fused.residual, tracks ? Tensor(num_batches_tracked) : Tensor());
}

Tensor BatchNorm::forward(const Tensor& x) const { return normalise(x, {}); }

Tensor BatchNorm::relu(const Tensor& x) const {
  if (has_hooks()) return kiln::relu((*this)(x));
  const detail::Running running(*this);
  return normalise(x, {.relu = true});
}

Tensor BatchNorm::relu6(const Tensor& x) const {
  if (has_hooks()) return kiln::relu6((*this)(x));
  const detail::Running running(*this);
  return normalise(x, {.relu = true, .relu_max = 6});
}

Tensor BatchNorm::add_relu(const Tensor& x, const Tensor& residual) const {
  if (has_hooks()) return kiln::relu((*this)(x) + residual);
  const detail::Running running(*this);
  return normalise(x, {.relu = true, .residual = residual});
}

std::string BatchNorm::extra_repr() const {
  return fmt::format("{}, eps={}, momentum={}, affine={}, track_running_stats={}", num_features_,
                     repr(options_.eps), options_.momentum ? repr(*options_.momentum) : "None",
                     repr(options_.affine), repr(options_.track_running_stats));
}

void BatchNorm1d::check_rank(const Tensor& x) const {
  if (x.dim() != 2 && x.dim() != 3) fail("BatchNorm1d: x must be [N,C] or [N,C,L], got {}", x.shape());
}

void BatchNorm2d::check_rank(const Tensor& x) const {
  if (x.dim() != 4) fail("BatchNorm2d: x must be [N,C,H,W], got {}", x.shape());
}

}  // namespace kiln::nn
