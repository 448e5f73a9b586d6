#pragma once

#include <kiln/nn/nn.h>

namespace kiln::nn::models {

struct VGGOptions {
  int64_t num_classes = 1000;
  double dropout = 0.5;
};

// torchvision's VGG (Simonyan and Zisserman, "Very deep convolutional networks for large-scale image
// recognition", 2014). x [N, 3, H, W] of at least 32 x 32 -> scores [N, num_classes].
// For another task: net.classifier[6] = nn::Linear(4096, 10).
struct VGG : Module {
  Replaceable<Sequential> features;
  Replaceable<AdaptiveAvgPool2d> avgpool{AdaptiveAvgPool2d(7)};
  Replaceable<Sequential> classifier;
  NN_MEMBERS(features, avgpool, classifier)

  // `depths`: 3x3 convolutions in each of the five stages of 64, 128, 256, 512 and 512 channels.
  VGG(const Dims& depths, bool batch_norm, const VGGOptions& options);
  Tensor forward(const Tensor& x) const { return classifier(flatten(avgpool(features(x)), 1)); }
};

VGG vgg11(const VGGOptions& options = {});
VGG vgg11_bn(const VGGOptions& options = {});
VGG vgg13(const VGGOptions& options = {});
VGG vgg13_bn(const VGGOptions& options = {});
VGG vgg16(const VGGOptions& options = {});
VGG vgg16_bn(const VGGOptions& options = {});
VGG vgg19(const VGGOptions& options = {});
VGG vgg19_bn(const VGGOptions& options = {});

}  // namespace kiln::nn::models
