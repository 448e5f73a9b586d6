#include <kiln/metrics/inputs.h>

#include <algorithm>
#include <cmath>

#include <kiln/tensor/base/fail.h>

namespace kiln::metrics {
namespace {

bool is_label_type(DType dtype) { return !is_floating(dtype) && !is_storage_only(dtype); }

std::vector<int64_t> read_labels(const char* what, const char* name, const Tensor& x) {
  if (!x.defined()) fail("{}: the tensor of {} is undefined", what, name);
  if (!is_label_type(x.dtype())) fail("{}: {} must be integers, got {}", what, name, x.dtype());
  return x.to_vector<int64_t>();
}

void check_label(const char* what, const char* name, int64_t label, size_t at, int64_t classes) {
  if (label < 0 || label >= classes)
    fail("{}: {} {} of sample {} is not one of the classes 0 .. {}", what, name, label, at, classes - 1);
}

}  // namespace

int64_t Scores::best(int64_t sample) const {
  int64_t best = 0;
  for (int64_t c = 1; c < classes; ++c)
    if (at(sample, c) > at(sample, best)) best = c;
  return best;
}

void check_classes(const char* what, int64_t classes) {
  constexpr int64_t kMost = 1 << 20;
  if (classes < 1 || classes > kMost)
    fail("{}: the number of classes must be in 1 .. {}, got {}", what, kMost, classes);
}

std::vector<double> read_numbers(const char* what, const char* name, const Tensor& x, const Shape& shape) {
  if (!x.defined()) fail("{}: the tensor of {} is undefined", what, name);
  if (x.shape() != shape) fail("{}: {} have the shape {}, {} was expected", what, name, x.shape(), shape);
  std::vector<double> values = x.to_vector<double>();
  for (size_t i = 0; i < values.size(); ++i)
    if (std::isnan(values[i])) fail("{}: element {} of {} is NaN", what, i, name);
  return values;
}

std::vector<double> read_weights(const char* what, const Tensor& weights, const Shape& shape) {
  if (!weights.defined()) return {};
  std::vector<double> values = read_numbers(what, "weights", weights, shape);
  for (size_t i = 0; i < values.size(); ++i)
    if (!(values[i] >= 0 && std::isfinite(values[i])))
      fail("{}: weight {} of sample {} must be finite and not negative", what, values[i], i);
  return values;
}

Samples read_samples(const char* what, const Tensor& targets, const Tensor& weights, int64_t classes,
                     int64_t ignored) {
  const std::vector<int64_t> labels = read_labels(what, "targets", targets);
  const std::vector<double> all_weights = read_weights(what, weights, targets.shape());
  Samples samples;
  samples.kept.reserve(labels.size());
  samples.targets.reserve(labels.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == ignored) continue;
    check_label(what, "target", labels[i], i, classes);
    samples.kept.push_back(int64_t(i));
    samples.targets.push_back(labels[i]);
    if (!all_weights.empty()) samples.weights.push_back(all_weights[i]);
  }
  return samples;
}

Scores read_scores(const char* what, const Tensor& scores, const Tensor& targets, int64_t classes) {
  if (!scores.defined()) fail("{}: the tensor of scores is undefined", what);
  if (!is_floating(scores.dtype())) fail("{}: scores must be floating, got {}", what, scores.dtype());
  Shape wanted;
  for (int d = 0; d < targets.dim(); ++d) {
    wanted.push_back(targets.shape()[d]);
    if (d == 0) wanted.push_back(classes);
  }
  if (targets.dim() == 0) wanted.push_back(classes);
  Scores result;
  result.values = read_numbers(what, "scores", scores, wanted);
  result.classes = classes;
  for (int d = 1; d < targets.dim(); ++d) result.inner *= targets.shape()[d];
  return result;
}

std::vector<int64_t> read_predictions(const char* what, const Tensor& predictions, const Tensor& targets,
                                      const Samples& samples, int64_t classes, double threshold) {
  if (!predictions.defined()) fail("{}: the tensor of predictions is undefined", what);
  std::vector<int64_t> labels;
  labels.reserve(samples.kept.size());
  if (!is_floating(predictions.dtype())) {
    if (predictions.shape() != targets.shape())
      fail("{}: predictions have the shape {}, targets {}", what, predictions.shape(), targets.shape());
    const std::vector<int64_t> all = read_labels(what, "predictions", predictions);
    for (const int64_t at : samples.kept) {
      check_label(what, "prediction", all[size_t(at)], size_t(at), classes);
      labels.push_back(all[size_t(at)]);
    }
  } else if (classes == 2 && predictions.shape() == targets.shape()) {
    const std::vector<double> all = read_numbers(what, "scores", predictions, targets.shape());
    for (const int64_t at : samples.kept) labels.push_back(all[size_t(at)] > threshold);
  } else {
    const Scores scores = read_scores(what, predictions, targets, classes);
    for (const int64_t at : samples.kept) labels.push_back(scores.best(at));
  }
  return labels;
}

}  // namespace kiln::metrics
