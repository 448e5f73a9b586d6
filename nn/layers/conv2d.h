#pragma once

#include <kiln/autograd/ops_nn.h>
#include <kiln/nn/module.h>

namespace kiln::nn {

// How far a convolution pads: one number, {height, width}, "same" (the output has the input's size; needs
// stride 1) or "valid" (none).
struct Padding {
  Pair size = 0;
  bool same = false;

  constexpr Padding(int both) : size(both) {}
  constexpr Padding(int64_t both) : size(both) {}
  constexpr Padding(int64_t height, int64_t width) : size(height, width) {}
  constexpr Padding(Pair pair) : size(pair) {}
  // Throws for another word.
  Padding(const char* name);
};

// A layer's options; those of the op are Conv2dOptions.
struct Conv2dLayerOptions {
  Pair stride = 1;
  Padding padding = 0;
  Pair dilation = 1;
  int64_t groups = 1;
  bool bias = true;
  PaddingMode padding_mode = PaddingMode::zeros;
};

// x [N, in_channels, H, W] -> [N, out_channels, H', W']. Weight and bias start uniform in +-1/sqrt(fan in).
struct Conv2d : Module {
  Parameter weight;  // [out_channels, in_channels / groups, kernel height, kernel width]
  Parameter bias;    // [out_channels], or undefined
  NN_MEMBERS(weight, bias)

  // Throws when the groups do not divide the channels or a size makes no sense.
  Conv2d(int64_t in_channels, int64_t out_channels, Pair kernel_size, const Conv2dLayerOptions& options = {});

  int64_t in_channels() const { return weight.size(1) * options_.groups; }
  int64_t out_channels() const { return weight.size(0); }
  Pair kernel_size() const { return {weight.size(2), weight.size(3)}; }
  const Conv2dLayerOptions& options() const { return options_; }
  Tensor forward(const Tensor& x) const;
  void reset_parameters() override;
  std::string extra_repr() const override;
  int64_t flops(const Tensors& inputs, const Tensors& outputs) const override;

 private:
  Conv2dLayerOptions options_;
};

}  // namespace kiln::nn
