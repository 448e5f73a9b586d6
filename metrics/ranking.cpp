#include <kiln/metrics/ranking.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <kiln/metrics/inputs.h>
#include <kiln/metrics/state.h>

namespace kiln::metrics {
namespace {

constexpr const char* kName = "Ranking";

}  // namespace

Ranking::Ranking(int64_t classes, const LabelOptions& options) : classes_(classes), options_(options) {
  check_classes(kName, classes);
  if (classes < 2) fail("{}: at least 2 classes are needed, got {}", kName, classes);
}

void Ranking::update(const Tensor& scores, const Tensor& targets, const Tensor& weights) {
  const Samples samples = read_samples(kName, targets, weights, classes_, options_.ignore_index);
  const bool is_column = classes_ == 2 && scores.defined() && scores.shape() == targets.shape();
  const Scores all = is_column ? Scores{read_numbers(kName, "scores", scores, targets.shape())}
                               : read_scores(kName, scores, targets, classes_);
  if (!samples.weights.empty() && weights_.empty()) weights_.assign(targets_.size(), 1);
  for (size_t i = 0; i < samples.kept.size(); ++i) {
    const int64_t sample = samples.kept[i];
    if (is_column)
      scores_.push_back(all.values[size_t(sample)]);
    else
      for (int64_t c = classes_ == 2 ? 1 : 0; c < classes_; ++c) scores_.push_back(all.at(sample, c));
    targets_.push_back(samples.targets[i]);
    if (!samples.weights.empty() || !weights_.empty()) weights_.push_back(samples.weight(i));
  }
}

void Ranking::merge(const Ranking& other) {
  if (other.classes_ != classes_)
    fail("{}: one of {} classes cannot be merged into one of {}", kName, other.classes_, classes_);
  const std::vector<double> added =
      other.weights_.empty() ? std::vector<double>(other.targets_.size(), 1) : other.weights_;
  if (!other.weights_.empty() && weights_.empty()) weights_.assign(targets_.size(), 1);
  if (!weights_.empty() || !other.weights_.empty())
    weights_.insert(weights_.end(), added.begin(), added.end());
  scores_.insert(scores_.end(), other.scores_.begin(), other.scores_.end());
  targets_.insert(targets_.end(), other.targets_.begin(), other.targets_.end());
}

std::vector<Ranking::Scored> Ranking::scored(int64_t label) const {
  std::vector<Scored> samples;
  samples.reserve(targets_.size());
  const bool complement = classes_ == 2 && label == 0;  // only class 1's are kept
  for (size_t i = 0; i < targets_.size(); ++i) {
    const double score = scores_[i * columns() + (columns() == 1 ? 0 : size_t(label))];
    samples.push_back(
        {complement ? -score : score, weights_.empty() ? 1 : weights_[i], targets_[i] == label});
  }
  return samples;
}

std::vector<Ranking::Step> Ranking::steps_of(std::vector<Scored> samples, bool weighted) {
  std::erase_if(samples, [](const Scored& sample) { return sample.weight == 0; });
  std::sort(samples.begin(), samples.end(),
            [](const Scored& a, const Scored& b) { return a.score > b.score; });
  std::vector<Step> steps;
  ExactSum right, wrong;
  int64_t counted_right = 0, counted_wrong = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    (samples[i].positive ? counted_right : counted_wrong) += 1;
    if (weighted) (samples[i].positive ? right : wrong).add(samples[i].weight);
    if (i + 1 < samples.size() && samples[i + 1].score == samples[i].score) continue;
    steps.push_back({samples[i].score, weighted ? right.value() : double(counted_right),
                     weighted ? wrong.value() : double(counted_wrong)});
  }
  return steps;
}

std::vector<Ranking::Step> Ranking::steps(int64_t label) const {
  if (label < 0 || label >= classes_)
    fail("{}: {} is not one of the classes 0 .. {}", kName, label, classes_ - 1);
  return steps_of(scored(label), !weights_.empty());
}

// Each pair of a sample and a class as a sample of its own.
std::vector<Ranking::Step> Ranking::all_steps() const {
  std::vector<Scored> pairs;
  for (int64_t label = 0; label < classes_; ++label) {
    const std::vector<Scored> more = scored(label);
    pairs.insert(pairs.end(), more.begin(), more.end());
  }
  return steps_of(std::move(pairs), !weights_.empty());
}

// The trapezoids below the curve: each pair of a positive and a negative counts 1 if in order, 1/2 if equal.
double Ranking::area(const std::vector<Step>& steps) {
  ExactSum twice;
  Step before = {};
  for (const Step& step : steps) {
    twice.add_product(step.wrong - before.wrong, step.right + before.right);
    before = step;
  }
  if (!(before.right > 0 && before.wrong > 0)) return std::numeric_limits<double>::quiet_NaN();
  return twice.value() / 2 / (before.right * before.wrong);
}

double Ranking::mean_precision(const std::vector<Step>& steps) {
  ExactSum sum;
  double before = 0;
  for (const Step& step : steps) {
    sum.add_product(step.right - before, step.right / (step.right + step.wrong));
    before = step.right;
  }
  return before > 0 ? sum.value() / before : 0;
}

Ranking::OfClass Ranking::values_of(const std::vector<Step>& steps) const {
  return {area(steps), mean_precision(steps), steps.empty() ? 0 : steps.back().right};
}

std::vector<Ranking::OfClass> Ranking::per_class() const {
  std::vector<OfClass> classes;
  for (int64_t label = 0; label < classes_; ++label) classes.push_back(values_of(steps(label)));
  return classes;
}

double Ranking::mean(const std::vector<OfClass>& classes, double OfClass::*value, Average average) {
  ExactSum sum, weights;
  for (const OfClass& of_class : classes) {
    if (std::isnan(of_class.*value)) continue;
    const double weight = average == Average::macro ? 1 : of_class.targets;
    sum.add_product(of_class.*value, weight);
    weights.add(weight);
  }
  return sum.value() / weights.value();
}

double Ranking::average(double OfClass::*value, Average average) const {
  if (targets_.empty()) return std::numeric_limits<double>::quiet_NaN();
  if (classes_ == 2) return values_of(steps(1)).*value;
  if (average == Average::micro) return values_of(all_steps()).*value;
  return mean(per_class(), value, average);
}

double Ranking::roc_auc(Average kind) const { return average(&OfClass::roc_auc, kind); }
double Ranking::average_precision(Average kind) const { return average(&OfClass::average_precision, kind); }

RocCurve Ranking::roc_curve(int64_t label) const {
  RocCurve curve = {{0}, {0}, {std::numeric_limits<double>::infinity()}};
  const std::vector<Step> points = steps(label);
  for (const Step& step : points) {
    curve.false_positive_rate.push_back(step.wrong / points.back().wrong);
    curve.true_positive_rate.push_back(step.right / points.back().right);
    curve.thresholds.push_back(step.threshold);
  }
  return curve;
}

PrecisionRecallCurve Ranking::precision_recall_curve(int64_t label) const {
  PrecisionRecallCurve curve;
  const std::vector<Step> points = steps(label);
  for (size_t i = points.size(); i-- > 0;) {
    curve.precision.push_back(points[i].right / (points[i].right + points[i].wrong));
    curve.recall.push_back(points[i].right / points.back().right);
    curve.thresholds.push_back(points[i].threshold);
  }
  curve.precision.push_back(1);
  curve.recall.push_back(0);
  return curve;
}

Value Ranking::state() const {
  return state_of(kName, {{"classes", classes_},
                          {"ignore_index", options_.ignore_index},
                          {"scores", from_host(scores_, {samples(), int64_t(columns())})},
                          {"targets", from_host(targets_, {samples()})},
                          {"weights", from_host(weights_, {int64_t(weights_.size())})}});
}

Ranking Ranking::from_state(const Value& state) {
  check_kind(state, kName);
  Ranking ranking(count_of(state, "classes"), {.ignore_index = state.at("ignore_index").as_int()});
  ranking.scores_ = doubles_of(state, "scores");
  ranking.targets_ = counts_of(state, "targets", size_t(state.at("targets").as_tensor().numel()));
  ranking.weights_ = doubles_of(state, "weights");
  const size_t samples = ranking.targets_.size();
  if (ranking.scores_.size() != samples * ranking.columns() ||
      (!ranking.weights_.empty() && ranking.weights_.size() != samples))
    fail("{}: the state is damaged: {} scores and {} weights of {} samples", kName, ranking.scores_.size(),
         ranking.weights_.size(), samples);
  return ranking;
}

}  // namespace kiln::metrics
