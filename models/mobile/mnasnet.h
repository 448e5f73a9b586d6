#pragma once

#include <kiln/nn/nn.h>

// torchvision's MNASNet, variant B1 (Tan et al., "MnasNet: platform-aware neural architecture search for
// mobile", 2018).

namespace kiln::nn::models {

namespace mnasnet_parts {

// 1x1 up to `expansion` times the channels, depthwise, 1x1 down; added to x where the shapes allow it.
struct InvertedResidual : Module {
  Sequential layers;
  NN_MEMBERS(layers)

  InvertedResidual(int64_t in_channels, int64_t out_channels, int64_t kernel, int64_t stride,
                   int64_t expansion);
  Tensor forward(const Tensor& x) const;

 private:
  bool apply_residual_;
};

}  // namespace mnasnet_parts

struct MNASNetOptions {
  int64_t num_classes = 1000;
  double dropout = 0.2;
};

// x [N, 3, H, W] -> scores [N, num_classes]. For another task: net.classifier[1] = nn::Linear(1280, 10).
struct MNASNet : Module {
  Replaceable<Sequential> layers;
  Replaceable<Sequential> classifier;
  NN_MEMBERS(layers, classifier)

  // `alpha` scales the number of channels. The first three stages of torchvision's version 1 (before 0.4) are
  // those of alpha 1: use_first_version() makes the network that one, with new weights in these stages.
  explicit MNASNet(double alpha, const MNASNetOptions& options = {});
  void use_first_version();
  Tensor forward(const Tensor& x) const { return classifier(mean(layers(x), {2, 3})); }
};

MNASNet mnasnet0_5(const MNASNetOptions& options = {});
MNASNet mnasnet0_75(const MNASNetOptions& options = {});
MNASNet mnasnet1_0(const MNASNetOptions& options = {});
MNASNet mnasnet1_3(const MNASNetOptions& options = {});

}  // namespace kiln::nn::models
