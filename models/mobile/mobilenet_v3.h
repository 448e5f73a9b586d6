#pragma once

#include <kiln/nn/nn.h>

// MobileNetV3 with torchvision's names, shapes and state-dict keys (Howard et al., "Searching for
// MobileNetV3", 2019).

namespace kiln::nn::models {

namespace mobilenetv3 {

struct InvertedResidualConfig {
  int64_t input_channels, kernel, expanded_channels, out_channels;
  bool use_se, use_hs;  // squeeze-excitation; Hardswish instead of ReLU
  int64_t stride;
};

// 1x1 up, depthwise, squeeze-excitation if any, 1x1 down without activation; plus x where the shape stays.
struct InvertedResidual : Module {
  Sequential block;
  NN_MEMBERS(block)

  // The stride is 1 or 2; throws for another.
  explicit InvertedResidual(const InvertedResidualConfig& config);
  Tensor forward(const Tensor& x) const { return use_res_connect_ ? block(x) + x : block(x); }

 private:
  bool use_res_connect_;
};

}  // namespace mobilenetv3

struct MobileNetV3Options {
  int64_t num_classes = 1000;
  double dropout = 0.2;
};

// x [N, 3, H, W] -> scores [N, num_classes]. For another task: net.classifier[3] = nn::Linear(1280, 10) (1024
// in the small one).
struct MobileNetV3 : Module {
  Replaceable<Sequential> features{Sequential()};
  Replaceable<AdaptiveAvgPool2d> avgpool{AdaptiveAvgPool2d(1)};
  Replaceable<Sequential> classifier{Sequential()};
  NN_MEMBERS(features, avgpool, classifier)

  // `last_channel`: the features before the last layer.
  MobileNetV3(const std::vector<mobilenetv3::InvertedResidualConfig>& blocks, int64_t last_channel,
              const MobileNetV3Options& options = {});
  Tensor forward(const Tensor& x) const { return classifier(flatten(avgpool(features(x)), 1)); }
};

MobileNetV3 mobilenet_v3_small(const MobileNetV3Options& options = {});
MobileNetV3 mobilenet_v3_large(const MobileNetV3Options& options = {});

}  // namespace kiln::nn::models
