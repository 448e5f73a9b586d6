#pragma once

#include <kiln/nn/module.h>

namespace kiln::nn {

struct LayerNormOptions {
  double eps = 1e-5;
  bool elementwise_affine = true;
};

// Normalises over the last dimensions, those of normalized_shape.
struct LayerNorm : Module {
  Parameter weight, bias;  // [normalized_shape], from 1 and 0; undefined unless affine
  NN_MEMBERS(weight, bias)

  explicit LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options = {});
  Tensor forward(const Tensor& x) const;
  void reset_parameters() override;
  std::string extra_repr() const override;

 private:
  Shape normalized_shape_;
  LayerNormOptions options_;
};

// torchvision's: over the channels of x [N, C, H, W]. Computes in channels-last memory and gives it; x in
// that order is not copied.
struct LayerNorm2d : LayerNorm {
  NN_MEMBERS()

  explicit LayerNorm2d(int64_t channels, const LayerNormOptions& options = {})
      : LayerNorm(Shape{channels}, options) {}
  Tensor forward(const Tensor& x) const;
};

}  // namespace kiln::nn
