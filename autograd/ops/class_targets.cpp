#include <kiln/autograd/ops/class_targets.h>

#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/tensor/fail.h>

namespace kiln {

ClassTargets::ClassTargets(const char* op, const Tensor& x, const Tensor& target, const Tensor& weight)
    : op_(op), class_dim_(x.dim() == 1 ? 0 : 1) {
  if (x.dim() == 0) fail("{}: x needs a class dimension, [C] or [N,C,...], and has 0 dimensions", op);
  classes_ = x.size(class_dim_);
  if (classes_ == 0) fail("{}: x {} has no classes", op, x.shape());
  check_pair(op, x, target);
  if (weight.defined()) {
    check_pair(op, x, weight);
    if (!weight.is_floating_point() || weight.shape() != Shape{classes_})
      fail("{}: weight must hold a floating-point number for each of the {} classes of x {}, it is {} {}", op,
           classes_, x.shape(), weight.dtype(), weight.shape());
  }
  if (target.is_floating_point()) return;
  if (!is_integral(target.dtype()))
    fail("{}: target must hold class indices (int64), it is {}", op, target.dtype());
  target_shape_ = x.shape();
  target_shape_.erase(class_dim_);
  if (target.shape() != target_shape_)
    fail("{}: x {} needs class indices of shape {}, target has {}", op, x.shape(), target_shape_,
         target.shape());
}

Tensor ClassTargets::rows_of(const Tensor& x) const {
  if (x.dim() == 1) return contiguous(reshape(x, {1, classes_}));
  if (x.dim() == 2) return contiguous(x);
  Dims order{0};
  for (int d = 2; d < x.dim(); ++d) order.push_back(d);
  order.push_back(1);
  return contiguous(reshape(permute(x, order), {numel(target_shape_), classes_}));
}

Tensor ClassTargets::flat(const Tensor& target) const {
  return contiguous(reshape(converted(target, int64), {numel(target_shape_)}));
}

void ClassTargets::fail_at(const Tensor& flat_target, int64_t row) const {
  const int64_t value = flat_target[row].item<int64_t>();
  Dims at = Dims::filled(target_shape_.rank(), 0);
  for (int d = target_shape_.rank() - 1; d >= 0; --d) {
    at[d] = row % target_shape_[d];
    row /= target_shape_[d];
  }
  if (at.rank() <= 1)
    fail("{}: target {} of sample {} is not a class (use 0 .. {})", op_, value, at.empty() ? 0 : at[0],
         classes_ - 1);
  fail("{}: target {} of sample {} at {} is not a class (use 0 .. {})", op_, value, at[0], at, classes_ - 1);
}

}  // namespace kiln
