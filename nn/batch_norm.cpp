#include <kiln/nn/batch_norm.h>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/nn/repr.h>
#include <kiln/tensor/fail.h>

namespace kiln::nn {

BatchNorm::BatchNorm(const char* name, int64_t num_features, const BatchNormOptions& options)
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

// The weight of this batch in the running statistics.
double BatchNorm::count_batch() const {
  if (!is_training() || !options_.track_running_stats) return 0;
  const NoGrad no_grad;
  num_batches_tracked.add_(1);
  return options_.momentum ? *options_.momentum : 1 / double(num_batches_tracked.item<int64_t>());
}

Tensor BatchNorm::normalise(const Tensor& x, bool relu, const Tensor& residual) const {
  if (!x.defined()) fail("{}: x is undefined", type_name());
  check_rank(x);
  const double momentum = count_batch();
  const bool by_batch = is_training() || !options_.track_running_stats;
  return batch_norm(x, weight, bias, running_mean, running_var,
                    {.training = by_batch, .momentum = momentum, .eps = options_.eps, .relu = relu},
                    residual);
}

Tensor BatchNorm::forward(const Tensor& x) const { return normalise(x, false, {}); }

Tensor BatchNorm::relu(const Tensor& x) {
  if (has_hooks()) return kiln::relu((*this)(x));
  const detail::Running running(*this, sizeof(*this));
  return normalise(x, true, {});
}

Tensor BatchNorm::add_relu(const Tensor& x, const Tensor& residual) {
  if (has_hooks()) return kiln::relu((*this)(x) + residual);
  const detail::Running running(*this, sizeof(*this));
  return normalise(x, true, residual);
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
