#pragma once

#include <kiln/models/classic/basic_conv2d.h>

// torchvision's GoogLeNet (Szegedy et al., "Going deeper with convolutions", 2014), with batch norm.

namespace kiln::nn::models {

// Four branches, side by side in the result's channels.
struct Inception : Module {
  BasicConv2d branch1;
  Sequential branch2, branch3, branch4;
  NN_MEMBERS(branch1, branch2, branch3, branch4)

  struct Widths {
    int64_t ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj;
  };
  Inception(int64_t in_channels, const Widths& widths);
  Tensor forward(const Tensor& x) const;
};

// A classifier in the middle of the network.
struct InceptionAux : Module {
  BasicConv2d conv;
  Linear fc1;
  Replaceable<Linear> fc2;
  Dropout dropout;
  NN_MEMBERS(conv, fc1, fc2, dropout)

  InceptionAux(int64_t in_channels, int64_t num_classes, double drop);
  Tensor forward(const Tensor& x) const;
};

// The scores, and in training those of the heads in the middle too (else they are undefined). Where a tensor
// is wanted it is the scores:
//
//     models::GoogLeNet net;
//     const auto [logits, aux2, aux1] = net(x);
//     const Tensor loss = cross_entropy(logits, y) + 0.3 * (cross_entropy(aux1, y) + cross_entropy(aux2, y));
struct GoogLeNetOutputs {
  Tensor logits, aux_logits2, aux_logits1;
  operator const Tensor&() const { return logits; }
};

struct GoogLeNetOptions {
  int64_t num_classes = 1000;
  double dropout = 0.2;
  double dropout_aux = 0.7;
  bool aux_logits = true;
  bool transform_input = false;  // for the published weights, which want pictures of -1 .. 1
};

// x [N, 3, H, W] -> scores [N, num_classes].
struct GoogLeNet : Module {
  BasicConv2d conv1{3, 64, 7, {.stride = 2, .padding = 3}};
  MaxPool2d maxpool1{3, {.stride = 2, .ceil_mode = true}};
  BasicConv2d conv2{64, 64, 1};
  BasicConv2d conv3{64, 192, 3, {.padding = 1}};
  MaxPool2d maxpool2{3, {.stride = 2, .ceil_mode = true}};
  Inception inception3a, inception3b;
  MaxPool2d maxpool3{3, {.stride = 2, .ceil_mode = true}};
  Inception inception4a, inception4b, inception4c, inception4d, inception4e;
  MaxPool2d maxpool4{2, {.stride = 2, .ceil_mode = true}};
  Inception inception5a, inception5b;
  std::optional<InceptionAux> aux1, aux2;
  Replaceable<AdaptiveAvgPool2d> avgpool{AdaptiveAvgPool2d(1)};
  Replaceable<Dropout> dropout;
  Replaceable<Linear> fc;
  NN_MEMBERS(conv1, maxpool1, conv2, conv3, maxpool2, inception3a, inception3b, maxpool3, inception4a,
             inception4b, inception4c, inception4d, inception4e, maxpool4, inception5a, inception5b, aux1,
             aux2, avgpool, dropout, fc)

  explicit GoogLeNet(const GoogLeNetOptions& options = {});
  GoogLeNetOutputs forward(const Tensor& x) const;
  // For AnyModule::call: one tensor in; the scores out, and in training those of aux2 and aux1 behind them.
  Tensors forward(const Tensors& x) const;

 private:
  bool transform_input_;
};

}  // namespace kiln::nn::models
