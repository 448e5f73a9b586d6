#pragma once

#include <kiln/nn/module.h>

namespace kiln::nn {

struct LinearOptions {
  bool bias = true;
};

// y = x W^T + b over the last dimension: x [..., in_features] -> [..., out_features]. Weight and bias start
// uniform in +-1/sqrt(in_features).
struct Linear : Module {
  Parameter weight;  // [out_features, in_features]
  Parameter bias;    // [out_features], or undefined
  NN_MEMBERS(weight, bias)

  Linear(int64_t in_features, int64_t out_features, const LinearOptions& options = {});

  int64_t in_features() const { return weight.size(1); }
  int64_t out_features() const { return weight.size(0); }
  Tensor forward(const Tensor& x) const;
  void reset_parameters() override;
  std::string extra_repr() const override;
  int64_t flops(const Tensors& inputs, const Tensors& outputs) const override;
};

}  // namespace kiln::nn
