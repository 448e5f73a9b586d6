#pragma once

#include <kiln/nn/nn.h>

// Residual networks with torchvision's names, shapes and state-dict keys (He et al., "Deep residual learning
// for image recognition", 2015; bottlenecks stride in their 3x3 convolution, "v1.5"), ResNeXt (Xie et al.,
// "Aggregated residual transformations for deep neural networks", 2016) and wide ones (Zagoruyko and
// Komodakis, "Wide residual networks", 2016).

namespace kiln::nn::models {

// Two 3x3 convolutions.
struct BasicBlock : Module {
  static constexpr int64_t kExpansion = 1;
  Conv2d conv1;
  BatchNorm2d bn1;
  Conv2d conv2;
  BatchNorm2d bn2;
  std::optional<Sequential> downsample;
  NN_MEMBERS(conv1, bn1, conv2, bn2, downsample)

  BasicBlock(int64_t in_planes, int64_t planes, int64_t stride);
  Tensor forward(const Tensor& x) const;
};

// 1x1 down to `width`, 3x3 in groups, 1x1 up to four times `planes`.
struct Bottleneck : Module {
  static constexpr int64_t kExpansion = 4;
  Conv2d conv1;
  BatchNorm2d bn1;
  Conv2d conv2;
  BatchNorm2d bn2;
  Conv2d conv3;
  BatchNorm2d bn3;
  std::optional<Sequential> downsample;
  NN_MEMBERS(conv1, bn1, conv2, bn2, conv3, bn3, downsample)

  Bottleneck(int64_t in_planes, int64_t planes, int64_t stride, int64_t groups = 1,
             int64_t width_per_group = 64);
  Tensor forward(const Tensor& x) const;
};

struct ResNetOptions {
  int64_t num_classes = 1000;
  bool zero_init_residual = false;  // each block starts as the identity
  // Of bottlenecks: a block of 64 planes has groups * width_per_group channels in its 3x3 convolution.
  int64_t groups = 1;
  int64_t width_per_group = 64;
};

// x [N, 3, H, W] -> scores [N, num_classes]. For another task: net.fc = nn::Linear(net.fc->in_features(),
// 10).
struct ResNet : Module {
  Conv2d conv1{3, 64, 7, {.stride = 2, .padding = 3, .bias = false}};
  BatchNorm2d bn1{64};
  Replaceable<MaxPool2d> maxpool{MaxPool2d(3, {.stride = 2, .padding = 1})};
  Replaceable<Sequential> layer1, layer2, layer3, layer4;
  Replaceable<AdaptiveAvgPool2d> avgpool{AdaptiveAvgPool2d({1, 1})};
  Replaceable<Linear> fc;
  NN_MEMBERS(conv1, bn1, maxpool, layer1, layer2, layer3, layer4, avgpool, fc)

  enum class Block : uint8_t { basic, bottleneck };
  // `depths`: blocks in each of the four layers.
  ResNet(Block block, const Dims& depths, const ResNetOptions& options);
  Tensor forward(const Tensor& x) const;
};

ResNet resnet18(const ResNetOptions& options = {});
ResNet resnet34(const ResNetOptions& options = {});
ResNet resnet50(const ResNetOptions& options = {});
ResNet resnet101(const ResNetOptions& options = {});
ResNet resnet152(const ResNetOptions& options = {});
// Groups and their width are the network's own, whatever the options say.
ResNet resnext50_32x4d(const ResNetOptions& options = {});
ResNet resnext101_32x8d(const ResNetOptions& options = {});
ResNet resnext101_64x4d(const ResNetOptions& options = {});
ResNet wide_resnet50_2(const ResNetOptions& options = {});
ResNet wide_resnet101_2(const ResNetOptions& options = {});

}  // namespace kiln::nn::models
