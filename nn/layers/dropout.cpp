#include <kiln/nn/layers/dropout.h>

#include <kiln/nn/repr.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn {

namespace {

void check_probability(const char* layer, double p) {
  if (!(p >= 0 && p <= 1)) fail("{}: p must be a probability, from 0 to 1, got {}", layer, p);
}

}  // namespace

Dropout::Dropout(double p, const DropoutOptions& options) : p_(p), inplace_(options.inplace) {
  check_probability("Dropout", p);
}

Tensor Dropout::forward(const Tensor& x) const { return dropout(x, p_, is_training()); }

std::string Dropout::extra_repr() const { return fmt::format("p={}, inplace={}", repr(p_), repr(inplace_)); }

StochasticDepth::StochasticDepth(double p, StochasticDepthMode mode) : p_(p), mode_(mode) {
  check_probability("StochasticDepth", p);
}

Tensor StochasticDepth::forward(const Tensor& x) const {
  return stochastic_depth(x, p_, mode_, is_training());
}

std::string StochasticDepth::extra_repr() const {
  return fmt::format("p={}, mode={}", repr(p_), mode_ == StochasticDepthMode::row ? "row" : "batch");
}

}  // namespace kiln::nn
