#pragma once

#include <kiln/nn/nn.h>

// What GoogLeNet and Inception v3 share.

namespace kiln::nn::models {

// Convolution, batch norm and ReLU.
struct BasicConv2d : Module {
  Conv2d conv;
  BatchNorm2d bn;
  NN_MEMBERS(conv, bn)

  BasicConv2d(int64_t in_channels, int64_t out_channels, Pair kernel_size, Conv2dLayerOptions options = {});
  Tensor forward(const Tensor& x) const { return bn.relu(conv(x)); }
};

// Pictures x [N, 3, H, W] that are normalised by ImageNet's mean and deviation become those of -1 .. 1.
Tensor normalised_to_unit(const Tensor& x);

}  // namespace kiln::nn::models
