#pragma once

#include <kiln/nn/module.h>

namespace kiln::nn {

// In training, zeroes each element with probability p and scales the rest by 1/(1-p). Draws from
// default_generator().
struct Dropout : Module {
  NN_MEMBERS()

  explicit Dropout(double p = 0.5);
  Tensor forward(const Tensor& x) const;
  std::string extra_repr() const override;

 private:
  double p_;
};

}  // namespace kiln::nn
