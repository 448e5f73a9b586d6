#include <kiln/train/augment/mix.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::train {
namespace {

double normal(data::RandomStream& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.uniform_double()));
  return radius * std::cos(2 * std::numbers::pi * random.uniform_double());
}

// Marsaglia and Tsang, "A simple method for generating gamma variables", 2000; in logarithms, which small
// shapes need.
double log_gamma_number(double shape, data::RandomStream& random) {
  if (shape < 1) return log_gamma_number(shape + 1, random) + std::log(1 - random.uniform_double()) / shape;
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal(random), root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root, u = 1 - random.uniform_double();
    if (std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return std::log(d * v);
  }
}

void check(const char* what, const Tensor& images, const Tensor& labels, int64_t classes,
           const MixOptions& options) {
  if (!images.defined() || !labels.defined() || labels.dim() != 1 || images.dim() < 2 ||
      images.size(0) != labels.size(0))
    fail("{}: needs images [N,...] and labels [N], got {} and {}", what,
         images.defined() ? to_string(images.shape()) : "nothing",
         labels.defined() ? to_string(labels.shape()) : "nothing");
  if (classes < 1) fail("{}: classes must be at least 1, got {}", what, classes);
  if (!(options.alpha > 0) || !std::isfinite(options.alpha))
    fail("{}: alpha must be positive, got {}", what, options.alpha);
}

Tensor soft_targets(const Tensor& labels, int64_t classes, double share) {
  const Tensor own = one_hot(labels, classes).to(DType::float32);
  return own * share + own.roll({1}, {0}) * (1 - share);
}

}  // namespace

double beta(double alpha, double beta, data::RandomStream& random) {
  const double a = log_gamma_number(alpha, random), b = log_gamma_number(beta, random);
  return 1 / (1 + std::exp(b - a));
}

Mixed mixup(const Tensor& images, const Tensor& labels, int64_t classes, data::RandomStream& random,
            const MixOptions& options) {
  check("mixup", images, labels, classes, options);
  if (!images.is_floating_point())
    fail("mixup: images must be floating, got {}; convert them first, as data::ToFloat() does",
         images.dtype());
  const NoGrad scope;
  const double share = beta(options.alpha, options.alpha, random);
  return {images * share + images.roll({1}, {0}) * (1 - share), soft_targets(labels, classes, share), share};
}

Mixed cutmix(const Tensor& images, const Tensor& labels, int64_t classes, data::RandomStream& random,
             const MixOptions& options) {
  check("cutmix", images, labels, classes, options);
  if (images.dim() != 4) fail("cutmix: needs images [N,C,H,W], got {}", images.shape());
  const NoGrad scope;
  const int64_t height = images.size(2), width = images.size(3);
  const double reach = 0.5 * std::sqrt(1 - beta(options.alpha, options.alpha, random));
  const int64_t y = height == 0 ? 0 : random.below(height), x = width == 0 ? 0 : random.below(width);
  const int64_t half_h = int64_t(reach * double(height)), half_w = int64_t(reach * double(width));
  const int64_t top = std::max<int64_t>(y - half_h, 0), bottom = std::min(y + half_h, height);
  const int64_t left = std::max<int64_t>(x - half_w, 0), right = std::min(x + half_w, width);
  const double area = double(height) * double(width);
  const double share = area == 0 ? 1 : 1 - double((bottom - top) * (right - left)) / area;
  const Tensor mixed = images.clone();
  if (bottom > top && right > left) {
    const auto window = [&](const Tensor& all) { return all.slice(2, top, bottom).slice(3, left, right); };
    window(mixed).copy_(window(images).roll({1}, {0}));
  }
  return {mixed, soft_targets(labels, classes, share), share};
}

}  // namespace kiln::train
