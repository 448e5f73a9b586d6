#include <kiln/autograd/ops/softmax/class_targets.h>

#include <algorithm>

#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

ClassTargets::ClassTargets(const char* op, const Tensor& x, const Tensor& target, const Tensor& weight)
    : op_(op), class_dim_(x.dim() == 1 ? 0 : 1) {
  if (x.dim() == 0) fail("{}: x needs a class dimension, [C] or [N,C,...], and has 0 dimensions", op);
  classes_ = x.size(class_dim_);
  if (classes_ == 0) fail("{}: x {} has no classes", op, x.shape());
  if (weight.defined() && weight.shape() != Shape{classes_})
    fail("{}: weight must hold a number for each of the {} classes of x {}, it is {}", op, classes_,
         x.shape(), weight.shape());
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

std::string ClassTargets::not_a_class() const {
  std::string place = "{at}";
  if (target_shape_.rank() == 0) place = "0";
  if (target_shape_.rank() > 1)
    place = fmt::format("{{at / {}}} at {{at of {}}}",
                        numel(target_shape_) / std::max<int64_t>(1, target_shape_[0]), target_shape_);
  return fmt::format("{}: target {{value}} of sample {} is not a class (use 0 .. {{last}})", op_, place);
}

}  // namespace kiln
