#pragma once

#include <kiln/nn/nn.h>

// torchvision's SqueezeNet (Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and
// < 0.5MB model size", 2016).

namespace kiln::nn::models {

// A 1x1 convolution to few channels, then 1x1 and 3x3 ones side by side.
struct Fire : Module {
  Conv2d squeeze;
  ReLU squeeze_activation{{.inplace = true}};
  Conv2d expand1x1;
  ReLU expand1x1_activation{{.inplace = true}};
  Conv2d expand3x3;
  ReLU expand3x3_activation{{.inplace = true}};
  NN_MEMBERS(squeeze, squeeze_activation, expand1x1, expand1x1_activation, expand3x3, expand3x3_activation)

  // in_planes -> 2 * expand_planes channels.
  Fire(int64_t in_planes, int64_t squeeze_planes, int64_t expand_planes);
  Tensor forward(const Tensor& x) const;
};

struct SqueezeNetOptions {
  int64_t num_classes = 1000;
  double dropout = 0.5;
};

// x [N, 3, H, W] -> scores [N, num_classes]. For another task: net.classifier[1] = nn::Conv2d(512, 10, 1).
struct SqueezeNet : Module {
  Replaceable<Sequential> features;
  Replaceable<Sequential> classifier;
  NN_MEMBERS(features, classifier)

  SqueezeNet(Sequential layers, const SqueezeNetOptions& options);
  Tensor forward(const Tensor& x) const { return flatten(classifier(features(x)), 1); }
};

SqueezeNet squeezenet1_0(const SqueezeNetOptions& options = {});
SqueezeNet squeezenet1_1(const SqueezeNetOptions& options = {});

}  // namespace kiln::nn::models
