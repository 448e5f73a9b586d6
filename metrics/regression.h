#pragma once

#include <kiln/metrics/exact_sum.h>

namespace kiln::metrics {

// Errors of predicted numbers. Each value is the true one rounded a few times, whatever the order and the
// number of batches: sums are exact (ExactSum), also those of squares, from which R2 comes. NaN without
// samples.
class RegressionErrors {
 public:
  // predictions, targets: floating or integers, of one shape; several outputs count as samples. weights:
  // undefined or of that shape. Throws for other shapes and NaN.
  void update(const Tensor& predictions, const Tensor& targets, const Tensor& weights = {});
  void merge(const RegressionErrors& other);

  double mean_absolute() const;  // MAE
  double mean_squared() const;   // MSE
  double root_mean_squared() const;
  // MAPE, a share and not percent: the mean of |error| / max(|target|, 2^-52), as scikit-learn's.
  double mean_absolute_percentage() const;
  double mean_squared_log() const;  // NaN when a value was below 0 (scikit-learn throws)
  double max_error() const;
  double bias() const;  // the mean of prediction - target
  // 1 - squared error / squared distance of targets from their mean. When all targets are equal: 1 if all
  // predictions are right, else 0 (as scikit-learn); NaN for fewer than two samples.
  double r2() const;
  // The same without the part of the error that is its mean.
  double explained_variance() const;
  int64_t samples() const { return samples_; }

  Value state() const;
  static RegressionErrors from_state(const Value& state);

 private:
  double mean(const ExactSum& sum) const { return sum.value() / weights_.value(); }

  int64_t samples_ = 0;
  double most_ = 0;
  bool negative_ = false;
  ExactSum weights_, absolute_, squares_, errors_, percentages_, logs_, targets_, target_squares_;
};

}  // namespace kiln::metrics
