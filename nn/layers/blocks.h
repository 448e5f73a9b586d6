#pragma once

#include <kiln/nn/layers/activation.h>
#include <kiln/nn/layers/batch_norm.h>
#include <kiln/nn/layers/conv2d.h>
#include <kiln/nn/sequential.h>

// torchvision.ops.misc: short chains of layers that many networks are made of.

namespace kiln::nn {

// Makes a normalisation for a number of features; an empty one stands for none.
using NormLayer = Function<AnyModule(int64_t features)>;
// BatchNorm2d with these options.
NormLayer batch_norm_2d(const BatchNormLayerOptions& options = {});

struct Conv2dNormActivationOptions {
  Pair stride = 1;
  std::optional<Pair> padding = {};  // none: half of what the kernel covers, so that stride 1 keeps the size
  int64_t groups = 1;
  NormLayer norm_layer = batch_norm_2d();
  AnyModule activation_layer = ReLU({.inplace = true});  // an empty one: none
  Pair dilation = 1;
  std::optional<bool> bias = {};  // none: when there is no norm_layer
};

// Convolution, normalisation, activation: children "0", "1", "2". Batch norm and ReLU are one pass over
// memory.
struct Conv2dNormActivation : Sequential {
  NN_MEMBERS()

  Conv2dNormActivation(int64_t in_channels, int64_t out_channels, Pair kernel_size = 3,
                       const Conv2dNormActivationOptions& options = {});
  Tensor forward(const Tensor& x) const;
};

struct MLPOptions {
  NormLayer norm_layer = {};
  AnyModule activation_layer = ReLU();
  bool inplace = false;  // of the dropouts
  bool bias = true;
  double dropout = 0;
};

// Linear layers of these sizes, with normalisation, activation and dropout between them and dropout at the
// end.
struct MLP : Sequential {
  MLP(int64_t in_channels, const std::vector<int64_t>& hidden_channels, const MLPOptions& options = {});
};

}  // namespace kiln::nn
