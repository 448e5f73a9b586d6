#pragma once

#include <kiln/nn/nn.h>

namespace kiln::nn::models {

struct AlexNetOptions {
  int64_t num_classes = 1000;
  double dropout = 0.5;
};

// torchvision's AlexNet (Krizhevsky, "One weird trick for parallelizing convolutional neural networks",
// 2014). x [N, 3, H, W] of at least 63 x 63 -> scores [N, num_classes].
// For another task: net.classifier[6] = nn::Linear(4096, 10).
struct AlexNet : Module {
  Replaceable<Sequential> features;
  Replaceable<AdaptiveAvgPool2d> avgpool{AdaptiveAvgPool2d({6, 6})};
  Replaceable<Sequential> classifier;
  NN_MEMBERS(features, avgpool, classifier)

  explicit AlexNet(const AlexNetOptions& options = {});
  Tensor forward(const Tensor& x) const { return classifier(flatten(avgpool(features(x)), 1)); }
};

}  // namespace kiln::nn::models
