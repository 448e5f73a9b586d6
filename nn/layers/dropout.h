#pragma once

#include <kiln/autograd/ops_nn.h>
#include <kiln/nn/module.h>

namespace kiln::nn {

struct DropoutOptions {
  bool inplace = false;  // printed as PyTorch prints it; x itself stays as it is
};

// In training, zeroes each element with probability p and scales the rest by 1/(1-p). Draws from
// default_generator().
struct Dropout : Module {
  NN_MEMBERS()

  explicit Dropout(double p = 0.5, const DropoutOptions& options = {});
  Tensor forward(const Tensor& x) const;
  std::string extra_repr() const override;

 private:
  double p_;
  bool inplace_;
};

// torchvision.ops.StochasticDepth: in training, zeroes whole samples, or the whole batch, with probability p
// and scales the rest by 1/(1-p). Draws from default_generator().
struct StochasticDepth : Module {
  NN_MEMBERS()

  explicit StochasticDepth(double p, StochasticDepthMode mode = StochasticDepthMode::row);
  Tensor forward(const Tensor& x) const;
  std::string extra_repr() const override;

 private:
  double p_;
  StochasticDepthMode mode_;
};

}  // namespace kiln::nn
