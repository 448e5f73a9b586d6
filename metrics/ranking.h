#pragma once

#include <kiln/metrics/confusion_matrix.h>

namespace kiln::metrics {

// From one threshold to the next: scores of at least thresholds[i] mean yes.
struct RocCurve {
  std::vector<double> false_positive_rate, true_positive_rate;  // from (0, 0) to (1, 1)
  std::vector<double> thresholds;                               // falling; the first is infinite
};
struct PrecisionRecallCurve {
  std::vector<double> precision, recall;  // one more than thresholds: the last is precision 1, recall 0
  std::vector<double> thresholds;         // rising
};

// How well scores order samples: ROC-AUC, average precision, and their curves. Of more than two classes each
// is ranked against the rest. Equal scores are one step, and values are scikit-learn's. A function of the set
// of samples: neither order nor batches nor merges change a bit. Memory: 8 bytes a sample for two classes, 8
// a class and sample for more, and 8 for the target.
class Ranking {
 public:
  explicit Ranking(int64_t classes = 2, const LabelOptions& options = {});

  // scores: floating [N,C,d...], or for two classes those of class 1, of the targets' shape. They need not be
  // probabilities. targets, weights: as of ConfusionMatrix::update; samples of weight 0 do not count.
  void update(const Tensor& scores, const Tensor& targets, const Tensor& weights = {});
  void merge(const Ranking& other);

  int64_t classes() const { return classes_; }
  int64_t samples() const { return int64_t(targets_.size()); }

  // Of two classes that of class 1, whatever `average`. The mean leaves classes out that all or no samples
  // have, where the area is not defined; NaN when none is left.
  double roc_auc(Average average = Average::macro) const;
  // Of two classes that of class 1. A class without targets has 0 and counts, as in scikit-learn.
  double average_precision(Average average = Average::macro) const;
  // Each class against the rest; the area is NaN where it is not defined. All values of a report at the cost
  // of one sort a class.
  struct OfClass {
    double roc_auc, average_precision, targets;
  };
  std::vector<OfClass> per_class() const;
  // Means over classes as the two above have them; `average` is macro or weighted.
  static double mean(const std::vector<OfClass>& classes, double OfClass::*value, Average average);

  // Of one class against the rest. Rates whose count of targets is 0 are NaN.
  RocCurve roc_curve(int64_t label = 1) const;
  PrecisionRecallCurve precision_recall_curve(int64_t label = 1) const;

  Value state() const;
  static Ranking from_state(const Value& state);

 private:
  struct Step {
    double threshold, right, wrong;  // weights of positives and negatives with at least that score
  };
  struct Scored {
    double score, weight;
    bool positive;
  };
  static std::vector<Step> steps_of(std::vector<Scored> samples, bool weighted);
  std::vector<Scored> scored(int64_t label) const;
  std::vector<Step> steps(int64_t label) const;
  std::vector<Step> all_steps() const;
  static double area(const std::vector<Step>& steps);
  static double mean_precision(const std::vector<Step>& steps);
  OfClass values_of(const std::vector<Step>& steps) const;
  double average(double OfClass::*value, Average average) const;
  size_t columns() const { return classes_ == 2 ? 1 : size_t(classes_); }

  int64_t classes_;
  LabelOptions options_;
  std::vector<double> scores_;  // [samples, columns]
  std::vector<int64_t> targets_;
  std::vector<double> weights_;  // empty: each is 1
};

}  // namespace kiln::metrics
