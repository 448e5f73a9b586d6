#pragma once

#include <kiln/tensor/tensor.h>

// Internal, for the sources of losses over classes.

namespace kiln {

// Scores x [C], [N,C] or [N,C,d1,...] with a class index for each but the class dimension: seen as rows.
class ClassTargets {
 public:
  // Checks shapes and that the target is integral; a floating target (class probabilities) is the caller's to
  // check. `weight` may be undefined.
  ClassTargets(const char* op, const Tensor& x, const Tensor& target, const Tensor& weight);

  int class_dim() const { return class_dim_; }
  // x as dense [rows, classes]: a view where memory allows (channels-last does), else a copy. Differentiable.
  Tensor rows_of(const Tensor& x) const;
  // The target as dense int64 [rows].
  Tensor flat(const Tensor& target) const;
  // What is said of a row whose target is no class (tensor/device/found.h).
  std::string not_a_class() const;

 private:
  const char* op_;
  int class_dim_;
  int64_t classes_;
  Shape target_shape_;
};

}  // namespace kiln
