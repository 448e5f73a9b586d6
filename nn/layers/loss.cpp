#include <kiln/nn/layers/loss.h>

#include <kiln/tensor/base/fail.h>

namespace kiln::nn {

// The tensors live in the buffers alone, so that to() moves them.

CrossEntropyLoss::CrossEntropyLoss(const CrossEntropyOptions& options)
    : weight(options.weight), options_(options) {
  options_.weight = {};
}

Tensor CrossEntropyLoss::forward(const Tensor& x, const Tensor& target) const {
  CrossEntropyOptions options = options_;
  options.weight = weight;
  return cross_entropy(x, target, options);
}

NLLLoss::NLLLoss(const NllOptions& options) : weight(options.weight), options_(options) {
  options_.weight = {};
}

Tensor NLLLoss::forward(const Tensor& log_probabilities, const Tensor& target) const {
  NllOptions options = options_;
  options.weight = weight;
  return nll_loss(log_probabilities, target, options);
}

BCELoss::BCELoss(const BceOptions& options) : weight(options.weight), reduction_(options.reduction) {
  if (options.pos_weight.defined()) fail("BCELoss: has no pos_weight; use BCEWithLogitsLoss");
}

Tensor BCELoss::forward(const Tensor& x, const Tensor& target) const {
  return binary_cross_entropy(x, target, {.weight = weight, .reduction = reduction_});
}

BCEWithLogitsLoss::BCEWithLogitsLoss(const BceOptions& options)
    : weight(options.weight), pos_weight(options.pos_weight), reduction_(options.reduction) {}

Tensor BCEWithLogitsLoss::forward(const Tensor& x, const Tensor& target) const {
  return binary_cross_entropy_with_logits(
      x, target, {.weight = weight, .pos_weight = pos_weight, .reduction = reduction_});
}

}  // namespace kiln::nn
