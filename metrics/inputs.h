#pragma once

// Internal: predictions, targets and weights of any device and type as vectors on the host.

#include <string>
#include <vector>

#include <kiln/tensor/tensor.h>

namespace kiln::metrics {

// Scores of samples for classes. A sample is an element of the targets: of scores [N,C,d...] and targets
// [N,d...] sample (n, i) has the scores [n,:,i].
struct Scores {
  std::vector<double> values;
  int64_t classes = 0, inner = 1;

  double at(int64_t sample, int64_t label) const {
    return values[size_t((sample / inner * classes + label) * inner + sample % inner)];
  }
  // The first of the largest.
  int64_t best(int64_t sample) const;
};

// What one update brings, without the samples whose target is ignored. Weights are empty or one a sample.
struct Samples {
  std::vector<int64_t> kept;     // their places among all
  std::vector<int64_t> targets;  // of those
  std::vector<double> weights;

  double weight(size_t i) const { return weights.empty() ? 1 : weights[i]; }
};

// Targets of 0 .. classes - 1 or `ignored`. Throws "what: ..." for types that are no labels, a target out of
// range, weights of another shape, below 0 or not finite.
Samples read_samples(const char* what, const Tensor& targets, const Tensor& weights, int64_t classes,
                     int64_t ignored);
// [N,C,d...] beside targets [N,d...]. Throws for other shapes, types that are not floating, and NaN.
Scores read_scores(const char* what, const Tensor& scores, const Tensor& targets, int64_t classes);
// Labels, or scores of which the best counts, as labels; of two classes also scores of the targets' shape,
// which mean class 1 above the threshold. One for each kept sample.
std::vector<int64_t> read_predictions(const char* what, const Tensor& predictions, const Tensor& targets,
                                      const Samples& samples, int64_t classes, double threshold);

// Floating values or integers of the given shape. Throws for others, and for NaN.
std::vector<double> read_numbers(const char* what, const char* name, const Tensor& x, const Shape& shape);
std::vector<double> read_weights(const char* what, const Tensor& weights, const Shape& shape);
void check_classes(const char* what, int64_t classes);

}  // namespace kiln::metrics
