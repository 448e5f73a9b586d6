#include <kiln/metrics/calibration.h>

#include <algorithm>
#include <cmath>

#include <kiln/metrics/inputs.h>
#include <kiln/metrics/state.h>

namespace kiln::metrics {
namespace {

constexpr const char* kName = "Calibration";

// Rounding of p * bins may cross an edge, which is i / bins as a double.
size_t bin_of(double p, size_t bins) {
  auto i = std::min(size_t(p * double(bins)), bins - 1);
  if (i > 0 && p < double(i) / double(bins)) --i;
  if (i + 1 < bins && p >= double(i + 1) / double(bins)) ++i;
  return i;
}

}  // namespace

Calibration::Calibration(int64_t classes, int64_t bins, const LabelOptions& options)
    : classes_(classes), options_(options) {
  check_classes(kName, classes);
  constexpr int64_t kMost = 10000;
  if (bins < 1 || bins > kMost) fail("{}: the number of bins must be in 1 .. {}, got {}", kName, kMost, bins);
  weights_.resize(size_t(bins));
  confidences_.resize(size_t(bins));
  right_.resize(size_t(bins));
}

void Calibration::update(const Tensor& x, const Tensor& targets, const Tensor& weights) {
  const Samples samples = read_samples(kName, targets, weights, classes_, options_.ignore_index);
  const bool is_binary = classes_ == 2 && x.defined() && x.shape() == targets.shape();
  const Scores p = is_binary ? Scores{read_numbers(kName, "probabilities", x, targets.shape())}
                             : read_scores(kName, x, targets, classes_);
  std::vector<double> confidences;
  std::vector<bool> right;
  for (size_t i = 0; i < samples.kept.size(); ++i) {
    const auto sample = size_t(samples.kept[i]);
    const int64_t best = is_binary ? 1 : p.best(int64_t(sample));
    confidences.push_back(is_binary ? p.values[sample] : p.at(int64_t(sample), best));
    right.push_back(best == samples.targets[i]);
    if (!(confidences.back() >= 0 && confidences.back() <= 1))
      fail("{}: {} of sample {} is no probability; take probabilities(logits)", kName, confidences.back(),
           sample);
  }
  for (size_t i = 0; i < confidences.size(); ++i) {
    const size_t bin = bin_of(confidences[i], weights_.size());
    weights_[bin].add(samples.weight(i));
    confidences_[bin].add_product(confidences[i], samples.weight(i));
    if (right[i]) right_[bin].add(samples.weight(i));
  }
}

void Calibration::merge(const Calibration& other) {
  if (other.classes_ != classes_ || other.weights_.size() != weights_.size())
    fail("{}: {} bins of {} classes cannot be merged into {} of {}", kName, other.weights_.size(),
         other.classes_, weights_.size(), classes_);
  for (size_t i = 0; i < weights_.size(); ++i) {
    weights_[i].merge(other.weights_[i]);
    confidences_[i].merge(other.confidences_[i]);
    right_[i].merge(other.right_[i]);
  }
}

std::vector<Calibration::Bin> Calibration::bins() const {
  std::vector<Bin> bins;
  for (size_t i = 0; i < weights_.size(); ++i) {
    Bin bin = {.low = double(i) / double(weights_.size()),
               .high = double(i + 1) / double(weights_.size()),
               .weight = weights_[i].value()};
    if (bin.weight > 0) {
      bin.confidence = confidences_[i].value() / bin.weight;
      bin.accuracy = right_[i].value() / bin.weight;
    }
    bins.push_back(bin);
  }
  return bins;
}

double Calibration::expected_error() const {
  ExactSum error, all;
  for (const Bin& bin : bins()) {
    error.add_product(std::abs(bin.accuracy - bin.confidence), bin.weight);
    all.add(bin.weight);
  }
  return error.value() / all.value();
}

double Calibration::maximum_error() const {
  double most = std::nan("");
  for (const Bin& bin : bins())
    if (bin.weight > 0) most = std::fmax(most, std::abs(bin.accuracy - bin.confidence));
  return most;
}

double Calibration::root_mean_square() const {
  ExactSum error, all;
  for (const Bin& bin : bins()) {
    const double apart = bin.accuracy - bin.confidence;
    error.add_product(apart * apart, bin.weight);
    all.add(bin.weight);
  }
  return std::sqrt(error.value() / all.value());
}

Value Calibration::state() const {
  return state_of(kName, {{"classes", classes_},
                          {"ignore_index", options_.ignore_index},
                          {"weights", state_of(weights_)},
                          {"confidences", state_of(confidences_)},
                          {"right", state_of(right_)}});
}

Calibration Calibration::from_state(const Value& state) {
  check_kind(state, kName);
  const size_t bins = state.at("weights").size();
  Calibration result(count_of(state, "classes"), int64_t(bins),
                     {.ignore_index = state.at("ignore_index").as_int()});
  result.weights_ = sums_of(state, "weights", bins);
  result.confidences_ = sums_of(state, "confidences", bins);
  result.right_ = sums_of(state, "right", bins);
  return result;
}

}  // namespace kiln::metrics
