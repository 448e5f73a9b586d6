#pragma once

#include <kiln/models/classic/basic_conv2d.h>

// torchvision's Inception v3 (Szegedy et al., "Rethinking the Inception architecture for computer vision",
// 2015).

namespace kiln::nn::models {

namespace inception_v3_parts {

// Blocks of branches side by side, by their letters in the paper's figures 5 to 7.
struct InceptionA : Module {
  BasicConv2d branch1x1, branch5x5_1, branch5x5_2, branch3x3dbl_1, branch3x3dbl_2, branch3x3dbl_3,
      branch_pool;
  NN_MEMBERS(branch1x1, branch5x5_1, branch5x5_2, branch3x3dbl_1, branch3x3dbl_2, branch3x3dbl_3, branch_pool)

  InceptionA(int64_t in_channels, int64_t pool_features);
  Tensor forward(const Tensor& x) const;
};

// Halves height and width.
struct InceptionB : Module {
  BasicConv2d branch3x3, branch3x3dbl_1, branch3x3dbl_2, branch3x3dbl_3;
  NN_MEMBERS(branch3x3, branch3x3dbl_1, branch3x3dbl_2, branch3x3dbl_3)

  explicit InceptionB(int64_t in_channels);
  Tensor forward(const Tensor& x) const;
};

struct InceptionC : Module {
  BasicConv2d branch1x1, branch7x7_1, branch7x7_2, branch7x7_3, branch7x7dbl_1, branch7x7dbl_2,
      branch7x7dbl_3, branch7x7dbl_4, branch7x7dbl_5, branch_pool;
  NN_MEMBERS(branch1x1, branch7x7_1, branch7x7_2, branch7x7_3, branch7x7dbl_1, branch7x7dbl_2, branch7x7dbl_3,
             branch7x7dbl_4, branch7x7dbl_5, branch_pool)

  InceptionC(int64_t in_channels, int64_t channels_7x7);
  Tensor forward(const Tensor& x) const;
};

// Halves height and width.
struct InceptionD : Module {
  BasicConv2d branch3x3_1, branch3x3_2, branch7x7x3_1, branch7x7x3_2, branch7x7x3_3, branch7x7x3_4;
  NN_MEMBERS(branch3x3_1, branch3x3_2, branch7x7x3_1, branch7x7x3_2, branch7x7x3_3, branch7x7x3_4)

  explicit InceptionD(int64_t in_channels);
  Tensor forward(const Tensor& x) const;
};

struct InceptionE : Module {
  BasicConv2d branch1x1, branch3x3_1, branch3x3_2a, branch3x3_2b, branch3x3dbl_1, branch3x3dbl_2,
      branch3x3dbl_3a, branch3x3dbl_3b, branch_pool;
  NN_MEMBERS(branch1x1, branch3x3_1, branch3x3_2a, branch3x3_2b, branch3x3dbl_1, branch3x3dbl_2,
             branch3x3dbl_3a, branch3x3dbl_3b, branch_pool)

  explicit InceptionE(int64_t in_channels);
  Tensor forward(const Tensor& x) const;
};

// A classifier in the middle of the network.
struct InceptionAux : Module {
  BasicConv2d conv0, conv1;
  Replaceable<Linear> fc;
  NN_MEMBERS(conv0, conv1, fc)

  InceptionAux(int64_t in_channels, int64_t num_classes);
  Tensor forward(const Tensor& x) const;
};

}  // namespace inception_v3_parts

// The scores, and in training those of the head in the middle too (else they are undefined). Where a tensor
// is wanted it is the scores:
//
//     models::Inception3 net;
//     const auto [logits, aux] = net(x);
//     const Tensor loss = cross_entropy(logits, y) + 0.4 * cross_entropy(aux, y);
struct InceptionOutputs {
  Tensor logits, aux_logits;
  operator const Tensor&() const { return logits; }
};

struct Inception3Options {
  int64_t num_classes = 1000;
  double dropout = 0.5;
  bool aux_logits = true;
  bool transform_input = false;  // for the published weights, which want pictures of -1 .. 1
};

// x [N, 3, H, W], usually 299 x 299 and at least 75 x 75 -> scores [N, num_classes].
struct Inception3 : Module {
  // NOLINTBEGIN(readability-identifier-naming): names are keys of the published weights
  BasicConv2d Conv2d_1a_3x3{3, 32, 3, {.stride = 2}};
  BasicConv2d Conv2d_2a_3x3{32, 32, 3};
  BasicConv2d Conv2d_2b_3x3{32, 64, 3, {.padding = 1}};
  MaxPool2d maxpool1{3, {.stride = 2}};
  BasicConv2d Conv2d_3b_1x1{64, 80, 1};
  BasicConv2d Conv2d_4a_3x3{80, 192, 3};
  MaxPool2d maxpool2{3, {.stride = 2}};
  inception_v3_parts::InceptionA Mixed_5b{192, 32}, Mixed_5c{256, 64}, Mixed_5d{288, 64};
  inception_v3_parts::InceptionB Mixed_6a{288};
  inception_v3_parts::InceptionC Mixed_6b{768, 128}, Mixed_6c{768, 160}, Mixed_6d{768, 160},
      Mixed_6e{768, 192};
  std::optional<inception_v3_parts::InceptionAux> AuxLogits;
  inception_v3_parts::InceptionD Mixed_7a{768};
  inception_v3_parts::InceptionE Mixed_7b{1280}, Mixed_7c{2048};
  Replaceable<AdaptiveAvgPool2d> avgpool{AdaptiveAvgPool2d(1)};
  Replaceable<Dropout> dropout;
  Replaceable<Linear> fc;
  // NOLINTEND(readability-identifier-naming)
  NN_MEMBERS(Conv2d_1a_3x3, Conv2d_2a_3x3, Conv2d_2b_3x3, maxpool1, Conv2d_3b_1x1, Conv2d_4a_3x3, maxpool2,
             Mixed_5b, Mixed_5c, Mixed_5d, Mixed_6a, Mixed_6b, Mixed_6c, Mixed_6d, Mixed_6e, AuxLogits,
             Mixed_7a, Mixed_7b, Mixed_7c, avgpool, dropout, fc)

  explicit Inception3(const Inception3Options& options = {});
  InceptionOutputs forward(const Tensor& x) const;
  // For AnyModule::call: one tensor in; the scores out, and in training those of AuxLogits behind them.
  Tensors forward(const Tensors& x) const;

 private:
  bool transform_input_;
};

}  // namespace kiln::nn::models
