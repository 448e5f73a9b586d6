#pragma once

#include <kiln/nn/nn.h>

// torchvision's ShuffleNet v2 (Ma et al., "ShuffleNet V2: practical guidelines for efficient CNN architecture
// design", 2018).

namespace kiln::nn::models {

namespace shufflenet_parts {

// With stride 1 half of the channels pass by, with stride 2 both branches see all; then channels are
// shuffled.
struct InvertedResidual : Module {
  Sequential branch1, branch2;
  NN_MEMBERS(branch1, branch2)

  InvertedResidual(int64_t in_channels, int64_t out_channels, int64_t stride);
  Tensor forward(const Tensor& x) const;
};

}  // namespace shufflenet_parts

struct ShuffleNetV2Options {
  int64_t num_classes = 1000;
};

// x [N, 3, H, W] -> scores [N, num_classes]. For another task: net.fc = nn::Linear(net.fc->in_features(),
// 10).
struct ShuffleNetV2 : Module {
  Replaceable<Sequential> conv1;
  Replaceable<MaxPool2d> maxpool{MaxPool2d(3, {.stride = 2, .padding = 1})};
  Replaceable<Sequential> stage2, stage3, stage4, conv5;
  Replaceable<Linear> fc;
  NN_MEMBERS(conv1, maxpool, stage2, stage3, stage4, conv5, fc)

  // `channels` of conv1, the three stages and conv5.
  ShuffleNetV2(const Dims& channels, const ShuffleNetV2Options& options);
  Tensor forward(const Tensor& x) const;
};

ShuffleNetV2 shufflenet_v2_x0_5(const ShuffleNetV2Options& options = {});
ShuffleNetV2 shufflenet_v2_x1_0(const ShuffleNetV2Options& options = {});
ShuffleNetV2 shufflenet_v2_x1_5(const ShuffleNetV2Options& options = {});
ShuffleNetV2 shufflenet_v2_x2_0(const ShuffleNetV2Options& options = {});

}  // namespace kiln::nn::models
