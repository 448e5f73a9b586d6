#include <kiln/nn/init.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn::init {

namespace {

thread_local int skips = 0;

}  // namespace

Skip::Skip() { ++skips; }
Skip::~Skip() { --skips; }

double calculate_gain(Nonlinearity nonlinearity, double slope) {
  switch (nonlinearity) {
    case Nonlinearity::tanh:
      return 5.0 / 3;
    case Nonlinearity::relu:
      return std::sqrt(2.0);
    case Nonlinearity::leaky_relu:
      return std::sqrt(2 / (1 + slope * slope));
    case Nonlinearity::selu:
      return 3.0 / 4;
    default:
      return 1;
  }
}

Fans fans_of(const Tensor& weight) {
  if (weight.dim() < 2)
    fail("init: fan_in and fan_out need at least two dimensions, the tensor is {}", weight.shape());
  int64_t field = 1;
  for (int d = 2; d < weight.dim(); ++d) field *= weight.size(d);
  return {weight.size(1) * field, weight.size(0) * field};
}

const Tensor& uniform_(const Tensor& x, double low, double high) {
  if (skips > 0) return x;
  const NoGrad no_grad;
  x.uniform_(low, high);
  return x;
}

const Tensor& normal_(const Tensor& x, double mean, double std) {
  if (skips > 0) return x;
  const NoGrad no_grad;
  x.normal_(mean, std);
  return x;
}

const Tensor& constant_(const Tensor& x, double value) {
  if (skips > 0) return x;
  const NoGrad no_grad;
  x.fill_(value);
  return x;
}
const Tensor& zeros_(const Tensor& x) { return constant_(x, 0); }
const Tensor& ones_(const Tensor& x) { return constant_(x, 1); }

const Tensor& xavier_uniform_(const Tensor& x, double gain) {
  const Fans fans = fans_of(x);
  const double bound = gain * std::sqrt(6 / double(std::max<int64_t>(1, fans.in + fans.out)));
  return uniform_(x, -bound, bound);
}

const Tensor& xavier_normal_(const Tensor& x, double gain) {
  const Fans fans = fans_of(x);
  return normal_(x, 0, gain * std::sqrt(2 / double(std::max<int64_t>(1, fans.in + fans.out))));
}

namespace {

double kaiming_std(const Tensor& x, const KaimingOptions& options) {
  const Fans fans = fans_of(x);
  const int64_t fan = options.mode == FanMode::fan_in ? fans.in : fans.out;
  return calculate_gain(options.nonlinearity, options.a) / std::sqrt(double(std::max<int64_t>(1, fan)));
}

// Writes float64 values, computed here in row-major order, to x.
const Tensor& assign(const Tensor& x, const std::vector<double>& values) {
  const NoGrad no_grad;
  x.copy_(from_values(values, x.shape()).to(x.dtype()).to(x.device()));
  return x;
}

}  // namespace

const Tensor& kaiming_uniform_(const Tensor& x, const KaimingOptions& options) {
  const double bound = std::sqrt(3.0) * kaiming_std(x, options);
  return uniform_(x, -bound, bound);
}

const Tensor& kaiming_normal_(const Tensor& x, const KaimingOptions& options) {
  return normal_(x, 0, kaiming_std(x, options));
}

const Tensor& eye_(const Tensor& x) {
  if (x.dim() != 2) fail("eye_: needs a matrix, got {}", x.shape());
  if (skips > 0) return x;
  std::vector<double> values(size_t(x.numel()), 0);
  for (int64_t i = 0; i < std::min(x.size(0), x.size(1)); ++i) values[size_t(i * x.size(1) + i)] = 1;
  return assign(x, values);
}

const Tensor& dirac_(const Tensor& x, int64_t groups) {
  if (x.dim() < 3 || x.dim() > 5)
    fail("dirac_: needs the weight of a convolution, of rank 3 to 5, got {}", x.shape());
  if (groups < 1 || x.size(0) % groups != 0)
    fail("dirac_: {} groups do not divide {} output channels", groups, x.size(0));
  if (skips > 0) return x;
  const int64_t outputs = x.size(0) / groups, field = x.numel() / std::max<int64_t>(1, x.size(0) * x.size(1));
  int64_t centre = 0;
  for (int d = 2; d < x.dim(); ++d) centre = centre * x.size(d) + x.size(d) / 2;
  std::vector<double> values(size_t(x.numel()), 0);
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t i = 0; i < std::min(outputs, x.size(1)); ++i)
      values[size_t(((g * outputs + i) * x.size(1) + i) * field + centre)] = 1;
  return assign(x, values);
}

namespace {

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

// Where the normal distribution reaches p, between low and high. Newton's steps from 0 never pass the root,
// for the function is concave above it and convex below.
double normal_quantile(double p, double low, double high) {
  constexpr double kInverseRootTwoPi = 0.3989422804014327;
  constexpr int kMaxSteps = 60;
  double z = std::clamp(0.0, low, high);
  for (int i = 0; i < kMaxSteps; ++i) {
    const double density = kInverseRootTwoPi * std::exp(-0.5 * z * z);
    if (density == 0) break;
    const double step = (p - normal_cdf(z)) / density;
    z = std::clamp(z + step, low, high);
    if (std::abs(step) < 1e-12) break;
  }
  return z;
}

}  // namespace

const Tensor& trunc_normal_(const Tensor& x, double mean, double std, double low, double high) {
  if (!(low < high) || !(std > 0))
    fail("trunc_normal_: needs std > 0 and low < high, got std {}, low {}, high {}", std, low, high);
  if (skips > 0) return x;
  double from = (low - mean) / std, to = (high - mean) / std;
  // So far out nothing is cut off that a double would show.
  constexpr double kFar = 9;
  if (from < -kFar && to > kFar) {
    normal_(x, mean, std);
    const NoGrad no_grad;
    x.copy_(clamp(x, low, high));
    return x;
  }
  // The lower tail has the finer numbers, so a range above the mean is mirrored.
  const double sign = from > 0 ? -1 : 1;
  if (sign < 0) from = -std::exchange(to, -from);
  const double p_from = normal_cdf(from), p_to = normal_cdf(to);
  std::vector<double> values = rand(x.shape(), {.dtype = float64}).to_vector<double>();
  for (double& value : values)
    value = mean + std * sign * normal_quantile(p_from + value * (p_to - p_from), from, to);
  return assign(x, values);
}

const Tensor& orthogonal_(const Tensor& x, double gain) {
  if (x.dim() < 2) fail("orthogonal_: needs at least two dimensions, got {}", x.shape());
  if (x.numel() == 0 || skips > 0) return x;
  const int64_t rows = x.size(0), columns = x.numel() / rows;
  // `count` vectors of `length` elements; the vectors are x's rows, or its columns when those are fewer.
  const int64_t count = std::min(rows, columns), length = std::max(rows, columns);
  std::vector<double> q = randn({count, length}, {.dtype = float64}).to_vector<double>();
  // Gram-Schmidt, each vector twice: once leaves errors that grow with the condition of the matrix.
  for (int64_t i = 0; i < count; ++i) {
    double* v = q.data() + i * length;
    for (int pass = 0; pass < 2; ++pass)
      for (int64_t j = 0; j < i; ++j) {
        const double* u = q.data() + j * length;
        double dot = 0;
        for (int64_t k = 0; k < length; ++k) dot += u[k] * v[k];
        for (int64_t k = 0; k < length; ++k) v[k] -= dot * u[k];
      }
    double squares = 0;
    for (int64_t k = 0; k < length; ++k) squares += v[k] * v[k];
    const double scale = 1 / std::sqrt(squares);
    for (int64_t k = 0; k < length; ++k) v[k] *= scale;
  }
  std::vector<double> values(q.size());
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      values[size_t(i * columns + j)] = gain * q[size_t(rows <= columns ? i * length + j : j * length + i)];
  return assign(x, values);
}

}  // namespace kiln::nn::init
