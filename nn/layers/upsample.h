#pragma once

#include <kiln/autograd/ops_nn.h>
#include <kiln/nn/module.h>

namespace kiln::nn {

// x [N, C, H, W] in another size: interpolate() as a layer.
struct Upsample : Module {
  NN_MEMBERS()

  explicit Upsample(const InterpolateOptions& options) : options_(options) {}
  Tensor forward(const Tensor& x) const { return interpolate(x, options_); }
  std::string extra_repr() const override;

 private:
  InterpolateOptions options_;
};

}  // namespace kiln::nn
