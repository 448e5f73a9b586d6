#pragma once

#include <kiln/nn/nn.h>

// Regular networks with torchvision's names, shapes and state-dict keys (Radosavovic et al., "Designing
// network design spaces", 2020): four stages of bottlenecks whose widths follow from a line; Y has
// squeeze-excitation.

namespace kiln::nn::models {

// The line that a network's widths are read from, and what its blocks have in common.
struct RegNetDesign {
  int64_t depth;    // blocks in all
  int64_t w_0;      // the first width, a multiple of 8
  double w_a, w_m;  // the slope; the step between widths, in their logarithm
  int64_t group_width;
  double se_ratio = 0;  // 0: no squeeze-excitation
};

// A stage of blocks of one width.
struct RegNetStage {
  int64_t depth, width, group_width;
};
// The stages of a design. Throws unless w_0 and w_a are sizes and w_m is more than 1.
std::vector<RegNetStage> regnet_stages(const RegNetDesign& design);

// 3x3, of stride 2.
struct SimpleStemIN : Conv2dNormActivation {
  SimpleStemIN(int64_t width_in, int64_t width_out);
};

// 1x1, 3x3 in groups, squeeze-excitation if any, 1x1.
struct BottleneckTransform : Sequential {
  BottleneckTransform(int64_t width_in, int64_t width_out, int64_t stride, int64_t group_width,
                      double se_ratio);
};

struct ResBottleneckBlock : Module {
  std::optional<Conv2dNormActivation> proj;  // where the shape changes
  BottleneckTransform f;
  ReLU activation{{.inplace = true}};
  NN_MEMBERS(proj, f, activation)

  ResBottleneckBlock(int64_t width_in, int64_t width_out, int64_t stride, int64_t group_width,
                     double se_ratio);
  Tensor forward(const Tensor& x) const;
};

// The blocks of a stage, named "block1-0", "block1-1", ...; the first has stride 2.
struct AnyStage : Sequential {
  AnyStage(int64_t index, int64_t width_in, const RegNetStage& stage, double se_ratio);
};

struct RegNetOptions {
  int64_t num_classes = 1000;
};

// x [N, 3, H, W] -> scores [N, num_classes].
struct RegNet : Module {
  static constexpr int64_t kStemWidth = 32;
  SimpleStemIN stem{3, kStemWidth};
  Replaceable<Sequential> trunk_output{Sequential()};
  Replaceable<AdaptiveAvgPool2d> avgpool{AdaptiveAvgPool2d(1)};
  Replaceable<Linear> fc;
  NN_MEMBERS(stem, trunk_output, avgpool, fc)

  explicit RegNet(const RegNetDesign& design, const RegNetOptions& options = {});
  Tensor forward(const Tensor& x) const { return fc(flatten(avgpool(trunk_output(stem(x))), 1)); }
};

RegNet regnet_y_400mf(const RegNetOptions& options = {});
RegNet regnet_y_800mf(const RegNetOptions& options = {});
RegNet regnet_y_1_6gf(const RegNetOptions& options = {});
RegNet regnet_y_3_2gf(const RegNetOptions& options = {});
RegNet regnet_y_8gf(const RegNetOptions& options = {});
RegNet regnet_y_16gf(const RegNetOptions& options = {});
RegNet regnet_y_32gf(const RegNetOptions& options = {});
RegNet regnet_y_128gf(const RegNetOptions& options = {});
RegNet regnet_x_400mf(const RegNetOptions& options = {});
RegNet regnet_x_800mf(const RegNetOptions& options = {});
RegNet regnet_x_1_6gf(const RegNetOptions& options = {});
RegNet regnet_x_3_2gf(const RegNetOptions& options = {});
RegNet regnet_x_8gf(const RegNetOptions& options = {});
RegNet regnet_x_16gf(const RegNetOptions& options = {});
RegNet regnet_x_32gf(const RegNetOptions& options = {});

}  // namespace kiln::nn::models
