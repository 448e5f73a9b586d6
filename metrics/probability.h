#pragma once

#include <kiln/metrics/confusion_matrix.h>

namespace kiln::metrics {

// float64 [N,C,d...] on the CPU: the softmax of scores [N,C,d...] over dimension 1, for what wants
// probabilities.
Tensor probabilities(const Tensor& logits);

// Log loss and Brier score of probabilities.
class ProbabilityErrors {
 public:
  explicit ProbabilityErrors(int64_t classes, const LabelOptions& options = {});

  // probabilities: floating [N,C,d...], or for two classes those of class 1, of the targets' shape. Throws
  // for one outside of 0 .. 1. targets, weights: as of ConfusionMatrix::update.
  void update(const Tensor& probabilities, const Tensor& targets, const Tensor& weights = {});
  void merge(const ProbabilityErrors& other);

  // The mean of -log p(target). As scikit-learn does, p is first moved into eps .. 1 - eps, where eps is the
  // distance of 1 and the next number of the probabilities' type, and divided by the sum over the classes.
  double log_loss() const;
  // The mean of the sum over classes of (p - [target])^2: 0 .. 2. For two classes half of it, which is the
  // squared error of class 1, as scikit-learn's brier_score_loss.
  double brier() const;

  Value state() const;
  static ProbabilityErrors from_state(const Value& state);

 private:
  int64_t classes_;
  LabelOptions options_;
  ExactSum log_, squares_, all_;
};

}  // namespace kiln::metrics
