#include <kiln/nn/layers/dropout.h>

#include <kiln/autograd/ops_nn.h>
#include <kiln/nn/repr.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn {

Dropout::Dropout(double p) : p_(p) {
  if (!(p >= 0 && p <= 1)) fail("Dropout: p must be a probability, from 0 to 1, got {}", p);
}

Tensor Dropout::forward(const Tensor& x) const { return dropout(x, p_, is_training()); }

std::string Dropout::extra_repr() const { return fmt::format("p={}, inplace=False", repr(p_)); }

}  // namespace kiln::nn
