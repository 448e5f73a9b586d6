#include <kiln/metrics/probability.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <kiln/metrics/inputs.h>
#include <kiln/metrics/state.h>

namespace kiln::metrics {
namespace {

constexpr const char* kName = "ProbabilityErrors";

double epsilon_of(DType dtype) {
  switch (dtype) {
    case DType::float64:
      return std::numeric_limits<double>::epsilon();
    case DType::float32:
      return std::numeric_limits<float>::epsilon();
    case DType::float16:
      return 0x1p-10;
    default:
      return 0x1p-7;  // bfloat16
  }
}

// Of two classes with one score a sample: both.
Scores both_classes(const Tensor& x, const Tensor& targets) {
  Scores scores;
  scores.classes = 2;
  for (const double p : read_numbers(kName, "probabilities", x, targets.shape())) {
    scores.values.push_back(1 - p);
    scores.values.push_back(p);
  }
  return scores;
}

}  // namespace

Tensor probabilities(const Tensor& logits) {
  constexpr const char* kCall = "probabilities";
  if (!logits.defined() || logits.dim() < 2 || !is_floating(logits.dtype()))
    fail("{}: logits must be floating and of the shape [N,C,...]", kCall);
  const Shape& shape = logits.shape();
  std::vector<double> x = read_numbers(kCall, "logits", logits, shape);
  const int64_t classes = shape[1];
  int64_t inner = 1;
  for (int d = 2; d < logits.dim(); ++d) inner *= shape[d];
  for (int64_t n = 0; n < shape[0]; ++n)
    for (int64_t i = 0; i < inner; ++i) {
      double* row = x.data() + n * classes * inner + i;
      double most = -std::numeric_limits<double>::infinity(), sum = 0;
      for (int64_t c = 0; c < classes; ++c) most = std::max(most, row[c * inner]);
      if (!std::isfinite(most)) fail("{}: sample {} has no finite largest logit", kCall, n);
      for (int64_t c = 0; c < classes; ++c) sum += row[c * inner] = std::exp(row[c * inner] - most);
      for (int64_t c = 0; c < classes; ++c) row[c * inner] /= sum;
    }
  return from_host(x, shape);
}

ProbabilityErrors::ProbabilityErrors(int64_t classes, const LabelOptions& options)
    : classes_(classes), options_(options) {
  check_classes(kName, classes);
}

void ProbabilityErrors::update(const Tensor& x, const Tensor& targets, const Tensor& weights) {
  const Samples samples = read_samples(kName, targets, weights, classes_, options_.ignore_index);
  const bool is_binary = classes_ == 2 && x.defined() && x.shape() == targets.shape();
  const Scores p = is_binary ? both_classes(x, targets) : read_scores(kName, x, targets, classes_);
  const double epsilon = epsilon_of(x.dtype());
  const auto clipped = [&](double v) { return std::clamp(v, epsilon, 1 - epsilon); };
  for (const int64_t sample : samples.kept)
    for (int64_t c = 0; c < classes_; ++c)
      if (!(p.at(sample, c) >= 0 && p.at(sample, c) <= 1))
        fail("{}: {} of sample {} is no probability; take probabilities(logits)", kName, p.at(sample, c),
             sample);
  for (size_t i = 0; i < samples.kept.size(); ++i) {
    const int64_t sample = samples.kept[i], target = samples.targets[i];
    double sum = 0, square = 0;
    for (int64_t c = 0; c < classes_; ++c) {
      const double error = p.at(sample, c) - double(c == target);
      sum += clipped(p.at(sample, c));
      square += error * error;
    }
    const double weight = samples.weight(i);
    log_.add_product(-std::log(clipped(p.at(sample, target)) / sum), weight);
    squares_.add_product(square, weight);
    all_.add(weight);
  }
}

void ProbabilityErrors::merge(const ProbabilityErrors& other) {
  if (other.classes_ != classes_)
    fail("{}: one of {} classes cannot be merged into one of {}", kName, other.classes_, classes_);
  log_.merge(other.log_);
  squares_.merge(other.squares_);
  all_.merge(other.all_);
}

double ProbabilityErrors::log_loss() const { return log_.value() / all_.value(); }
double ProbabilityErrors::brier() const { return squares_.value() / all_.value() / (classes_ == 2 ? 2 : 1); }

Value ProbabilityErrors::state() const {
  return state_of(kName, {{"classes", classes_},
                          {"ignore_index", options_.ignore_index},
                          {"log", log_.state()},
                          {"squares", squares_.state()},
                          {"all", all_.state()}});
}

ProbabilityErrors ProbabilityErrors::from_state(const Value& state) {
  check_kind(state, kName);
  ProbabilityErrors errors(count_of(state, "classes"), {.ignore_index = state.at("ignore_index").as_int()});
  errors.log_ = ExactSum::from_state(state.at("log"));
  errors.squares_ = ExactSum::from_state(state.at("squares"));
  errors.all_ = ExactSum::from_state(state.at("all"));
  return errors;
}

}  // namespace kiln::metrics
