#pragma once

#include <kiln/nn/layers/activation.h>
#include <kiln/nn/layers/conv2d.h>
#include <kiln/nn/layers/pool2d.h>
#include <kiln/nn/sequential.h>

namespace kiln::nn {

// torchvision.ops.SqueezeExcitation: scales each channel of x [N, C, H, W] by
// scale_activation(fc2(activation(fc1(mean over H and W)))) (Hu et al., "Squeeze-and-excitation networks",
// 2018).
struct SqueezeExcitation : Module {
  AdaptiveAvgPool2d avgpool{1};
  Conv2d fc1, fc2;  // 1x1
  AnyModule activation, scale_activation;
  NN_MEMBERS(avgpool, fc1, fc2, activation, scale_activation)

  SqueezeExcitation(int64_t input_channels, int64_t squeeze_channels, AnyModule activation = ReLU(),
                    AnyModule scale_activation = Sigmoid());
  Tensor forward(const Tensor& x) const;
};

}  // namespace kiln::nn
