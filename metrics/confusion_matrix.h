#pragma once

#include <string>
#include <vector>

#include <kiln/metrics/exact_sum.h>
#include <kiln/tensor/tensor.h>

namespace kiln::metrics {

// Of the classes: `micro` counts all samples together, `macro` is the mean over classes, `weighted` that mean
// by their numbers of targets.
enum class Average { micro, macro, weighted };

struct AverageOptions {
  Average average = Average::macro;
  // The value of a class for which nothing is to divide by: precision of a class that is never predicted,
  // recall of one that has no target. NaN leaves the class out of the mean.
  double zero_division = 0;
  // Means go over the classes that occur in targets or predictions; true: over all, as scikit-learn's
  // labels=range(classes).
  bool all_classes = false;
};

enum class KappaWeights { none, linear, quadratic };

struct LabelOptions {
  int64_t ignore_index = -100;  // samples of that target do not count
  double threshold = 0.5;       // above it a score of a binary task means class 1
};

// Which class was predicted how often for which target, and all that follows from it. Values are
// scikit-learn's of the same name, but for degenerate cases, which warn there and are said below. Where there
// is no sample at all the result is NaN.
//
//     metrics::ConfusionMatrix confusion(10);
//     for (const auto& [images, labels] : loader.evaluation()) confusion.update(net(images), labels);
//     const double f1 = confusion.f1(), right = confusion.accuracy();
class ConfusionMatrix {
 public:
  // Throws for fewer than one class. Memory: 8 bytes for each pair of classes.
  explicit ConfusionMatrix(int64_t classes, const LabelOptions& options = {});

  // predictions: labels of the targets' shape [N,d...] (d...: none, or places such as a picture's), or
  // floating scores [N,C,d...] of which the first largest counts, or for two classes scores of the targets'
  // shape. targets: integers. weights: undefined, or of the targets' shape. Any device. Throws an Error, and
  // leaves the matrix as it was, for shapes that do not fit, labels out of range, and NaN.
  void update(const Tensor& predictions, const Tensor& targets, const Tensor& weights = {});
  // Of the same number of classes. The same bits in whatever order.
  void merge(const ConfusionMatrix& other);

  int64_t classes() const { return classes_; }
  // The weight of samples of class `target` for which `predicted` was predicted: their number, if no weights
  // were given.
  double at(int64_t target, int64_t predicted) const;
  double targets_of(int64_t label) const;      // a row's sum
  double predictions_of(int64_t label) const;  // a column's
  double total() const;
  double right() const;  // the diagonal's
  // float64 [classes, classes], rows are targets.
  Tensor matrix() const;
  bool is_weighted() const { return !weights_.empty(); }

  double accuracy() const;
  // The mean of the recalls of classes that have targets. adjusted: 0 is chance, 1 is perfect.
  double balanced_accuracy(bool adjusted = false) const;
  double precision(const AverageOptions& options = {}) const;
  double recall(const AverageOptions& options = {}) const;
  double f1(const AverageOptions& options = {}) const { return fbeta(1, options); }
  double fbeta(double beta, const AverageOptions& options = {}) const;
  // Jaccard's index, intersection over union; also of masks, whose labels are pixels.
  double iou(const AverageOptions& options = {}) const;
  double mean_iou() const { return iou(); }
  // NaN when targets and predictions have one class only.
  double cohen_kappa(KappaWeights weights = KappaWeights::none) const;
  // Matthews' correlation; 0 when targets or predictions have one class only.
  double matthews() const;

  // One a class; classes that do not occur have zero_division.
  std::vector<double> precisions(double zero_division = 0) const;
  std::vector<double> recalls(double zero_division = 0) const;
  std::vector<double> fbetas(double beta, double zero_division = 0) const;
  std::vector<double> ious(double zero_division = 0) const;

  // For another process; from_state throws for what is not a state of this kind.
  Value state() const;
  static ConfusionMatrix from_state(const Value& state);

 private:
  friend class ConfusionDraw;
  enum class Rate { precision, recall, fbeta, iou };
  std::vector<double> rates(Rate rate, double beta, double zero_division) const;
  double average(Rate rate, double beta, const AverageOptions& options) const;
  bool occurs(int64_t label) const;
  size_t cell(int64_t target, int64_t predicted) const { return size_t(target * classes_ + predicted); }
  double sum_of(int64_t first, int64_t step, int64_t cells) const;

  int64_t classes_;
  LabelOptions options_;
  std::vector<int64_t> counts_;    // of samples without weights
  std::vector<ExactSum> weights_;  // of those with; empty when there are none
};

// A table with the classes' names, or numbers without names. Throws when their number is another.
std::string to_string(const ConfusionMatrix& confusion, const std::vector<std::string>& names = {});

struct ConfusionPicture {
  std::string title = "Confusion matrix";
  bool normalize = true;  // colours and shares by row, beside the counts
};

// The same as a picture, in SVG: darker cells have more of their row. Up to 100 classes; more are an Error.
std::string confusion_svg(const ConfusionMatrix& confusion, const std::vector<std::string>& names = {},
                          const ConfusionPicture& picture = {});

}  // namespace kiln::metrics
