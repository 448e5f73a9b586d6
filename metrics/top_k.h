#pragma once

#include <kiln/metrics/confusion_matrix.h>

namespace kiln::metrics {

// The share of samples whose target is among the k best scores: scikit-learn's top_k_accuracy_score, but for
// equal scores. Of these the lower class comes first here, as in torch.topk on a CPU by rule and not by
// chance; so what all scores being equal earns is class 0 .. k - 1.
class TopK {
 public:
  // Throws when k is not in 1 .. classes.
  TopK(int64_t k, int64_t classes, const LabelOptions& options = {});

  // scores: floating [N,C,d...]; targets: integers [N,d...]; weights as of ConfusionMatrix::update.
  void update(const Tensor& scores, const Tensor& targets, const Tensor& weights = {});
  void merge(const TopK& other);

  double compute() const;  // NaN without samples
  int64_t k() const { return k_; }

  Value state() const;
  static TopK from_state(const Value& state);

 private:
  int64_t k_, classes_;
  LabelOptions options_;
  ExactSum right_, all_;
};

}  // namespace kiln::metrics
