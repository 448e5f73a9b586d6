#include <kiln/nn/layers/squeeze_excitation.h>

namespace kiln::nn {

SqueezeExcitation::SqueezeExcitation(int64_t input_channels, int64_t squeeze_channels, AnyModule between,
                                     AnyModule last)
    : fc1(input_channels, squeeze_channels, 1),
      fc2(squeeze_channels, input_channels, 1),
      activation(std::move(between)),
      scale_activation(std::move(last)) {}

Tensor SqueezeExcitation::forward(const Tensor& x) const {
  return x * scale_activation(fc2(activation(fc1(avgpool(x)))));
}

}  // namespace kiln::nn
