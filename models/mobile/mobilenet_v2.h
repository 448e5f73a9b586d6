#pragma once

#include <kiln/nn/nn.h>

// MobileNetV2 with torchvision's names, shapes and state-dict keys (Sandler et al., "MobileNetV2: inverted
// residuals and linear bottlenecks", 2018).

namespace kiln::nn::models {

namespace mobilenetv2 {

// 1x1 up by expand_ratio, depthwise 3x3, 1x1 down without activation; plus x where the shape stays.
struct InvertedResidual : Module {
  Sequential conv;
  NN_MEMBERS(conv)

  // The stride is 1 or 2; throws for another.
  InvertedResidual(int64_t in, int64_t out, int64_t stride, int64_t expand_ratio);
  Tensor forward(const Tensor& x) const { return use_res_connect_ ? x + conv(x) : conv(x); }

 private:
  bool use_res_connect_;
};

}  // namespace mobilenetv2

struct MobileNetV2Options {
  int64_t num_classes = 1000;
  double width_mult = 1.0;  // of all channels
  double dropout = 0.2;
};

// x [N, 3, H, W] -> scores [N, num_classes]. For another task: net.classifier[1] = nn::Linear(1280, 10).
struct MobileNetV2 : Module {
  Replaceable<Sequential> features{Sequential()};
  Replaceable<Sequential> classifier{Sequential()};
  NN_MEMBERS(features, classifier)

  explicit MobileNetV2(const MobileNetV2Options& options = {});
  Tensor forward(const Tensor& x) const {
    return classifier(flatten(adaptive_avg_pool2d(features(x), 1), 1));
  }
};

MobileNetV2 mobilenet_v2(const MobileNetV2Options& options = {});

}  // namespace kiln::nn::models
