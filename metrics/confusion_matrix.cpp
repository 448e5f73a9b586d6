#include <kiln/metrics/confusion_matrix.h>

#include <kiln/metrics/inputs.h>
#include <kiln/metrics/state.h>

namespace kiln::metrics {
namespace {

constexpr const char* kName = "ConfusionMatrix";

}  // namespace

ConfusionMatrix::ConfusionMatrix(int64_t classes, const LabelOptions& options)
    : classes_(classes), options_(options) {
  check_classes(kName, classes);
  constexpr int64_t kMost = 1 << 14;  // 2 GiB of counts
  if (classes > kMost) fail("{}: {} classes are too many, at most {} are supported", kName, classes, kMost);
  counts_.assign(size_t(classes * classes), 0);
}

void ConfusionMatrix::update(const Tensor& predictions, const Tensor& targets, const Tensor& weights) {
  const Samples samples = read_samples(kName, targets, weights, classes_, options_.ignore_index);
  const std::vector<int64_t> labels =
      read_predictions(kName, predictions, targets, samples, classes_, options_.threshold);
  if (weights.defined() && weights_.empty()) weights_.resize(counts_.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    if (weights.defined())
      weights_[cell(samples.targets[i], labels[i])].add(samples.weights[i]);
    else
      ++counts_[cell(samples.targets[i], labels[i])];
  }
}

void ConfusionMatrix::merge(const ConfusionMatrix& other) {
  if (other.classes_ != classes_)
    fail("{}: one of {} classes cannot be merged into one of {}", kName, other.classes_, classes_);
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  if (other.weights_.empty()) return;
  weights_.resize(counts_.size());
  for (size_t i = 0; i < counts_.size(); ++i) weights_[i].merge(other.weights_[i]);
}

double ConfusionMatrix::at(int64_t target, int64_t predicted) const {
  if (target < 0 || target >= classes_ || predicted < 0 || predicted >= classes_)
    fail("{}: there is no cell ({}, {}) among {} classes", kName, target, predicted, classes_);
  const size_t i = cell(target, predicted);
  if (weights_.empty()) return double(counts_[i]);
  ExactSum sum = weights_[i];
  sum.add(double(counts_[i]));
  return sum.value();
}

// The cells first, first + step, ...: a row, a column, the diagonal, all.
double ConfusionMatrix::sum_of(int64_t first, int64_t step, int64_t cells) const {
  int64_t counted = 0;
  for (int64_t i = 0; i < cells; ++i) counted += counts_[size_t(first + i * step)];
  if (weights_.empty()) return double(counted);
  ExactSum sum;
  sum.add(double(counted));
  for (int64_t i = 0; i < cells; ++i) sum.merge(weights_[size_t(first + i * step)]);
  return sum.value();
}

double ConfusionMatrix::targets_of(int64_t label) const { return sum_of(label * classes_, 1, classes_); }
double ConfusionMatrix::predictions_of(int64_t label) const { return sum_of(label, classes_, classes_); }
double ConfusionMatrix::total() const { return sum_of(0, 1, classes_ * classes_); }
double ConfusionMatrix::right() const { return sum_of(0, classes_ + 1, classes_); }

Tensor ConfusionMatrix::matrix() const {
  std::vector<double> cells;
  cells.reserve(counts_.size());
  for (int64_t target = 0; target < classes_; ++target)
    for (int64_t predicted = 0; predicted < classes_; ++predicted) cells.push_back(at(target, predicted));
  return from_host(cells, {classes_, classes_});
}

Value ConfusionMatrix::state() const {
  return state_of(kName, {{"classes", classes_},
                          {"ignore_index", options_.ignore_index},
                          {"threshold", options_.threshold},
                          {"counts", from_host(counts_, {classes_, classes_})},
                          {"weights", state_of(weights_)}});
}

ConfusionMatrix ConfusionMatrix::from_state(const Value& state) {
  check_kind(state, kName);
  ConfusionMatrix confusion(count_of(state, "classes"), {.ignore_index = state.at("ignore_index").as_int(),
                                                         .threshold = state.at("threshold").as_float()});
  confusion.counts_ = counts_of(state, "counts", confusion.counts_.size());
  if (state.at("weights").size() != 0)
    confusion.weights_ = sums_of(state, "weights", confusion.counts_.size());
  return confusion;
}

}  // namespace kiln::metrics
