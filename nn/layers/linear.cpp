#include <kiln/nn/layers/linear.h>

#include <cmath>

#include <kiln/autograd/ops.h>
#include <kiln/nn/init.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn {

Linear::Linear(int64_t in_features, int64_t out_features, const LinearOptions& options) {
  if (in_features < 0 || out_features < 0)
    fail("Linear: needs sizes of at least 0, got {} and {}", in_features, out_features);
  weight = Parameter(empty({out_features, in_features}));
  if (options.bias) bias = Parameter(empty({out_features}));
  Linear::reset_parameters();
}

Tensor Linear::forward(const Tensor& x) const { return linear(x, weight, bias); }

void Linear::reset_parameters() {
  init::kaiming_uniform_(weight, {.a = std::sqrt(5.0)});
  if (!bias.defined()) return;
  const double bound = in_features() > 0 ? 1 / std::sqrt(double(in_features())) : 0;
  init::uniform_(bias, -bound, bound);
}

std::string Linear::extra_repr() const {
  return fmt::format("in_features={}, out_features={}, bias={}", in_features(), out_features(),
                     bias.defined() ? "True" : "False");
}

int64_t Linear::flops(const Tensors&, const Tensors& outputs) const {
  return 2 * outputs[0].numel() * in_features();
}

}  // namespace kiln::nn
