#pragma once

#include <kiln/metrics/confusion_matrix.h>

namespace kiln::metrics {

// How far a model's confidence and its accuracy lie apart, in bins of equal width of confidence (Guo et al.,
// "On calibration of modern neural networks", 2017). Bin i of n holds confidences from i/n up to, not
// including, (i+1)/n; the last also 1, for which torchmetrics has a bin of its own.
class Calibration {
 public:
  struct Bin {
    double low = 0, high = 0;
    double weight = 0;                    // number of samples, if no weights were given
    double confidence = 0, accuracy = 0;  // means; 0 of an empty bin
  };

  // Throws for bins outside of 1 .. 10000.
  explicit Calibration(int64_t classes, int64_t bins = 15, const LabelOptions& options = {});

  // probabilities: floating [N,C,d...]; confidence is the largest one, right when it is the target's. For two
  // classes also those of class 1, of the targets' shape: then confidence is that of class 1, and a target of
  // class 1 counts as right. Throws for one outside of 0 .. 1.
  void update(const Tensor& probabilities, const Tensor& targets, const Tensor& weights = {});
  void merge(const Calibration& other);

  double expected_error() const;    // ECE: the mean of |accuracy - confidence| over samples
  double maximum_error() const;     // MCE: its maximum over bins that have samples
  double root_mean_square() const;  // torchmetrics' norm "l2"
  std::vector<Bin> bins() const;

  Value state() const;
  static Calibration from_state(const Value& state);

 private:
  int64_t classes_;
  LabelOptions options_;
  std::vector<ExactSum> weights_, confidences_, right_;
};

// The reliability diagram in SVG: accuracy above confidence, and how many samples each bin has.
std::string reliability_svg(const Calibration& calibration, const std::string& title = "Reliability");

}  // namespace kiln::metrics
