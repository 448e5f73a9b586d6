#include <kiln/nn/layers/layer_norm.h>

#include <kiln/autograd/ops.h>
#include <kiln/nn/init.h>
#include <kiln/nn/repr.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn {

LayerNorm::LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options)
    : normalized_shape_(normalized_shape), options_(options) {
  if (normalized_shape.empty()) fail("LayerNorm: normalized_shape must have at least one dimension");
  if (!options.elementwise_affine) return;
  weight = Parameter(ones(normalized_shape));
  bias = Parameter(zeros(normalized_shape));
}

Tensor LayerNorm::forward(const Tensor& x) const {
  return layer_norm(x, normalized_shape_, weight, bias, options_.eps);
}

Tensor LayerNorm2d::forward(const Tensor& x) const {
  if (!x.defined() || x.dim() != 4)
    fail("LayerNorm2d: x must be [N,C,H,W], got {}",
         x.defined() ? to_string(x.shape()) : "an undefined tensor");
  return permute(LayerNorm::forward(permute(x, {0, 2, 3, 1})), {0, 3, 1, 2});
}

void LayerNorm::reset_parameters() {
  if (!options_.elementwise_affine) return;
  init::ones_(weight);
  init::zeros_(bias);
}

std::string LayerNorm::extra_repr() const {
  return fmt::format("{}, eps={}, elementwise_affine={}", repr(normalized_shape_), repr(options_.eps),
                     repr(options_.elementwise_affine));
}

}  // namespace kiln::nn
