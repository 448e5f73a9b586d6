#pragma once

#include <kiln/nn/nn.h>

// ConvNeXt with torchvision's names, shapes and state-dict keys (Liu et al., "A ConvNet for the 2020s",
// 2022).

namespace kiln::nn::models {

// x + layer_scale * (7x7 depthwise, layer norm, 1x1 up four times, GELU, 1x1 down), dropped at random.
struct CNBlock : Module {
  Parameter layer_scale;  // [channels, 1, 1]
  Sequential block;
  StochasticDepth stochastic_depth;
  NN_MEMBERS(layer_scale, block, stochastic_depth)

  CNBlock(int64_t channels, double initial_scale, double stochastic_depth_prob);
  Tensor forward(const Tensor& x) const { return stochastic_depth(layer_scale * block(x)) + x; }
};

struct ConvNeXtOptions {
  int64_t num_classes = 1000;
  std::optional<double> stochastic_depth_prob;  // each network has its own
  double layer_scale = 1e-6;
};

// What makes one network of the family: channels and blocks of its stages.
struct ConvNeXtDesign {
  std::vector<int64_t> channels, depths;
  double stochastic_depth_prob;
};

// x [N, 3, H, W] of at least 32 x 32 -> scores [N, num_classes].
struct ConvNeXt : Module {
  Replaceable<Sequential> features{Sequential()};
  Replaceable<AdaptiveAvgPool2d> avgpool{AdaptiveAvgPool2d(1)};
  Replaceable<Sequential> classifier{Sequential()};
  NN_MEMBERS(features, avgpool, classifier)

  // Throws unless there are as many depths as channels, and at least one.
  explicit ConvNeXt(const ConvNeXtDesign& design, const ConvNeXtOptions& options = {});
  Tensor forward(const Tensor& x) const { return classifier(avgpool(features(x))); }
};

ConvNeXt convnext_tiny(const ConvNeXtOptions& options = {});
ConvNeXt convnext_small(const ConvNeXtOptions& options = {});
ConvNeXt convnext_base(const ConvNeXtOptions& options = {});
ConvNeXt convnext_large(const ConvNeXtOptions& options = {});

}  // namespace kiln::nn::models
