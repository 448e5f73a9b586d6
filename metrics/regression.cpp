#include <kiln/metrics/regression.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <kiln/metrics/inputs.h>
#include <kiln/metrics/state.h>

namespace kiln::metrics {
namespace {

constexpr const char* kName = "RegressionErrors";
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

__extension__ using Quad = __float128;

// sum of w (x - mean)^2 from the sums of w x^2, w x and w. What cancels are far more bits than a double has.
double around_mean(const ExactSum& squares, const ExactSum& sums, const ExactSum& weights) {
  const auto quad = [](const ExactSum& sum) { return Quad(sum.value()) + Quad(sum.rest()); };
  const Quad sum = quad(sums);
  return std::max(0.0, double(quad(squares) - sum * sum / quad(weights)));
}

double share_explained(double unexplained, double all) {
  if (all > 0) return 1 - unexplained / all;
  return unexplained > 0 ? 0 : 1;
}

// w x^2 and w x, to within one rounding of w x.
void add_moments(double x, double weight, ExactSum& squares, ExactSum& sums) {
  const double weighted = weight * x, rest = std::fma(weight, x, -weighted);
  sums.add(weighted);
  sums.add(rest);
  squares.add_product(weighted, x);
  squares.add_product(rest, x);
}

}  // namespace

void RegressionErrors::update(const Tensor& predictions, const Tensor& targets, const Tensor& weights) {
  if (!targets.defined()) fail("{}: the tensor of targets is undefined", kName);
  const std::vector<double> truth = read_numbers(kName, "targets", targets, targets.shape());
  const std::vector<double> guess = read_numbers(kName, "predictions", predictions, targets.shape());
  const std::vector<double> all_weights = read_weights(kName, weights, targets.shape());
  for (size_t i = 0; i < truth.size(); ++i) {
    const double weight = all_weights.empty() ? 1 : all_weights[i];
    const double error = guess[i] - truth[i], size = std::abs(error);
    weights_.add(weight);
    absolute_.add_product(size, weight);
    add_moments(error, weight, squares_, errors_);
    add_moments(truth[i], weight, target_squares_, targets_);
    percentages_.add_product(size / std::max(std::abs(truth[i]), 0x1p-52), weight);
    if (truth[i] < 0 || guess[i] < 0) {
      negative_ = true;
    } else {
      const double log = std::log1p(guess[i]) - std::log1p(truth[i]);
      logs_.add_product(log * log, weight);
    }
    most_ = std::max(most_, size);
  }
  samples_ += int64_t(truth.size());
}

void RegressionErrors::merge(const RegressionErrors& other) {
  samples_ += other.samples_;
  most_ = std::max(most_, other.most_);
  negative_ |= other.negative_;
  weights_.merge(other.weights_);
  absolute_.merge(other.absolute_);
  squares_.merge(other.squares_);
  errors_.merge(other.errors_);
  percentages_.merge(other.percentages_);
  logs_.merge(other.logs_);
  targets_.merge(other.targets_);
  target_squares_.merge(other.target_squares_);
}

double RegressionErrors::mean_absolute() const { return mean(absolute_); }
double RegressionErrors::mean_squared() const { return mean(squares_); }
double RegressionErrors::root_mean_squared() const { return std::sqrt(mean_squared()); }
double RegressionErrors::mean_absolute_percentage() const { return mean(percentages_); }
double RegressionErrors::mean_squared_log() const { return negative_ ? kNan : mean(logs_); }
double RegressionErrors::max_error() const { return samples_ > 0 ? most_ : kNan; }
double RegressionErrors::bias() const { return mean(errors_); }

double RegressionErrors::r2() const {
  if (samples_ < 2) return kNan;
  return share_explained(squares_.value(), around_mean(target_squares_, targets_, weights_));
}

double RegressionErrors::explained_variance() const {
  if (samples_ < 1) return kNan;
  return share_explained(around_mean(squares_, errors_, weights_),
                         around_mean(target_squares_, targets_, weights_));
}

Value RegressionErrors::state() const {
  return state_of(kName, {{"samples", samples_},
                          {"most", most_},
                          {"negative", negative_},
                          {"sums", state_of({weights_, absolute_, squares_, errors_, percentages_, logs_,
                                             targets_, target_squares_})}});
}

RegressionErrors RegressionErrors::from_state(const Value& state) {
  check_kind(state, kName);
  RegressionErrors result;
  result.samples_ = count_of(state, "samples");
  result.most_ = state.at("most").as_float();
  result.negative_ = state.at("negative").as_bool();
  const std::vector<ExactSum> sums = sums_of(state, "sums", 8);
  ExactSum* const parts[] = {&result.weights_, &result.absolute_,      &result.squares_,
                             &result.errors_,  &result.percentages_,   &result.logs_,
                             &result.targets_, &result.target_squares_};
  for (size_t i = 0; i < sums.size(); ++i) *parts[i] = sums[i];
  return result;
}

}  // namespace kiln::metrics
