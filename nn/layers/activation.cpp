#include <kiln/nn/layers/activation.h>

#include <kiln/nn/repr.h>

namespace kiln::nn {

std::string LeakyReLU::extra_repr() const { return "negative_slope=" + repr(negative_slope_); }

std::string GELU::extra_repr() const {
  return approximate_ == GeluApproximation::tanh ? "approximate='tanh'" : "approximate='none'";
}

}  // namespace kiln::nn
