#pragma once

#include <kiln/nn/nn.h>

// torchvision's DenseNet (Huang et al., "Densely connected convolutional networks", 2016).

namespace kiln::nn::models {

struct DenseNetOptions {
  int64_t num_classes = 1000;
  double drop_rate = 0;      // of the features that each layer adds
  int64_t growth_rate = 32;  // channels that each layer adds
  int64_t bn_size = 4;       // a layer's bottleneck has bn_size * growth_rate channels
  int64_t num_init_features = 64;
};

// The features that a layer adds to x.
struct DenseLayer : Module {
  BatchNorm2d norm1;
  ReLU relu1{{.inplace = true}};
  Conv2d conv1;
  BatchNorm2d norm2;
  ReLU relu2{{.inplace = true}};
  Conv2d conv2;
  NN_MEMBERS(norm1, relu1, conv1, norm2, relu2, conv2)

  DenseLayer(int64_t in_features, const DenseNetOptions& options);
  Tensor forward(const Tensor& x) const;

 private:
  double drop_rate_;
};

// Layers "denselayer1", ..., each of which sees what all before it gave.
struct DenseBlock : ModuleContainer {
  DenseBlock(int64_t layers, int64_t in_features, const DenseNetOptions& options);
  Tensor forward(const Tensor& x) const;
  Tensor operator()(const Tensor& x) const;
};

// x [N, 3, H, W] of at least 29 x 29 -> scores [N, num_classes]. For another task:
// net.classifier = nn::Linear(net.classifier->in_features(), 10).
struct DenseNet : Module {
  Replaceable<Sequential> features;
  Replaceable<Linear> classifier;
  NN_MEMBERS(features, classifier)

  // `depths`: layers in each of the blocks.
  DenseNet(const Dims& depths, const DenseNetOptions& options);
  Tensor forward(const Tensor& x) const;
};

// Growth rate and first features are the network's own, whatever the options say.
DenseNet densenet121(const DenseNetOptions& options = {});
DenseNet densenet161(const DenseNetOptions& options = {});
DenseNet densenet169(const DenseNetOptions& options = {});
DenseNet densenet201(const DenseNetOptions& options = {});

}  // namespace kiln::nn::models
