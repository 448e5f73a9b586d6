#pragma once

#include <kiln/nn/nn.h>

// EfficientNets with torchvision's names, shapes and state-dict keys (Tan & Le, "EfficientNet: rethinking
// model scaling for convolutional neural networks", 2019; "EfficientNetV2: smaller models and faster
// training", 2021).

namespace kiln::nn::models {

// A stage: `num_layers` blocks, the first of which has the stride and changes the channels.
struct MBConvConfig {
  int64_t expand_ratio, kernel, stride, input_channels, out_channels, num_layers;
  bool fused = false;  // one full convolution instead of a 1x1 and a depthwise one
};

// What MBConv and FusedMBConv share: x + block(x), the block dropped at random, where the shapes allow.
struct InvertedBottleneck : Module {
  Sequential block;
  StochasticDepth stochastic_depth;
  NN_MEMBERS(block, stochastic_depth)

  Tensor forward(const Tensor& x) const;

 protected:
  InvertedBottleneck(const MBConvConfig& config, double stochastic_depth_prob);

 private:
  bool use_res_connect_;
};

// 1x1 up by expand_ratio, depthwise, squeeze-excitation, 1x1 down.
struct MBConv : InvertedBottleneck {
  MBConv(const MBConvConfig& config, double stochastic_depth_prob, const BatchNormLayerOptions& norm);
};

// A full convolution up by expand_ratio, 1x1 down; only the former where the ratio is 1.
struct FusedMBConv : InvertedBottleneck {
  FusedMBConv(const MBConvConfig& config, double stochastic_depth_prob, const BatchNormLayerOptions& norm);
};

struct EfficientNetOptions {
  int64_t num_classes = 1000;
  std::optional<double> dropout;  // before the classifier; each network has its own
  double stochastic_depth_prob = 0.2;
};

// What makes one network of the family.
struct EfficientNetDesign {
  std::vector<MBConvConfig> stages;
  double dropout;
  std::optional<int64_t> last_channel;  // four times the last stage's
  BatchNormLayerOptions norm;
};

// x [N, 3, H, W] -> scores [N, num_classes].
struct EfficientNet : Module {
  Replaceable<Sequential> features{Sequential()};
  Replaceable<AdaptiveAvgPool2d> avgpool{AdaptiveAvgPool2d(1)};
  Replaceable<Sequential> classifier{Sequential()};
  NN_MEMBERS(features, avgpool, classifier)

  explicit EfficientNet(const EfficientNetDesign& design, const EfficientNetOptions& options = {});
  Tensor forward(const Tensor& x) const { return classifier(flatten(avgpool(features(x)), 1)); }
};

EfficientNet efficientnet_b0(const EfficientNetOptions& options = {});
EfficientNet efficientnet_b1(const EfficientNetOptions& options = {});
EfficientNet efficientnet_b2(const EfficientNetOptions& options = {});
EfficientNet efficientnet_b3(const EfficientNetOptions& options = {});
EfficientNet efficientnet_b4(const EfficientNetOptions& options = {});
EfficientNet efficientnet_b5(const EfficientNetOptions& options = {});
EfficientNet efficientnet_b6(const EfficientNetOptions& options = {});
EfficientNet efficientnet_b7(const EfficientNetOptions& options = {});
EfficientNet efficientnet_v2_s(const EfficientNetOptions& options = {});
EfficientNet efficientnet_v2_m(const EfficientNetOptions& options = {});
EfficientNet efficientnet_v2_l(const EfficientNetOptions& options = {});

}  // namespace kiln::nn::models
