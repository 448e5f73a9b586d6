#include <kiln/models/residual/regnet.h>

#include <cmath>

#include <kiln/models/divisible.h>
#include <kiln/models/family.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/saturate.h>

namespace kiln::nn::models {

namespace {

int64_t rounded(double x) { return saturate_cast(std::nearbyint(x)); }

void check_group_width(int64_t width) {
  if (width < 1) fail("RegNet: group_width must be at least 1, got {}", width);
}

}  // namespace

std::vector<RegNetStage> regnet_stages(const RegNetDesign& design) {
  const auto& [depth, w_0, w_a, w_m, group_width, se_ratio] = design;
  if (!(w_a >= 0 && w_m > 1) || std::isinf(w_a) || std::isinf(w_m) || w_0 <= 0 || w_0 % 8 != 0)
    fail("RegNet: needs w_a >= 0, w_0 a positive multiple of 8 and w_m > 1, all finite, got {}, {} and {}",
         w_a, w_0, w_m);
  check_group_width(group_width);
  std::vector<RegNetStage> stages;
  for (int64_t i = 0; i < depth; ++i) {
    const double wanted = double(w_0) + w_a * double(i);
    const double steps = std::nearbyint(std::log(wanted / double(w_0)) / std::log(w_m));
    const int64_t width = mul_sat(rounded(double(w_0) * std::pow(w_m, steps) / 8), 8);
    if (stages.empty() || stages.back().width != width) stages.push_back({0, width, group_width});
    ++stages.back().depth;
  }
  for (RegNetStage& stage : stages) {
    stage.group_width = std::min(stage.group_width, stage.width);
    stage.width = make_divisible(double(stage.width), stage.group_width);
  }
  return stages;
}

SimpleStemIN::SimpleStemIN(int64_t width_in, int64_t width_out)
    : Conv2dNormActivation(width_in, width_out, 3, {.stride = 2}) {}

BottleneckTransform::BottleneckTransform(int64_t width_in, int64_t width_out, int64_t stride,
                                         int64_t group_width, double se_ratio) {
  check_group_width(group_width);
  push_back("a", Conv2dNormActivation(width_in, width_out, 1));
  push_back("b", Conv2dNormActivation(width_out, width_out, 3,
                                      {.stride = stride, .groups = width_out / group_width}));
  if (se_ratio != 0) push_back("se", SqueezeExcitation(width_out, rounded(se_ratio * double(width_in))));
  push_back("c", Conv2dNormActivation(width_out, width_out, 1, {.activation_layer = {}}));
}

ResBottleneckBlock::ResBottleneckBlock(int64_t width_in, int64_t width_out, int64_t stride,
                                       int64_t group_width, double se_ratio)
    : f(width_in, width_out, stride, group_width, se_ratio) {
  if (width_in != width_out || stride != 1)
    proj = Conv2dNormActivation(width_in, width_out, 1, {.stride = stride, .activation_layer = {}});
}

Tensor ResBottleneckBlock::forward(const Tensor& x) const {
  return activation(proj ? (*proj)(x) + f(x) : x + f(x));
}

AnyStage::AnyStage(int64_t index, int64_t width_in, const RegNetStage& stage, double se_ratio) {
  for (int64_t i = 0; i < stage.depth; ++i)
    push_back(fmt::format("block{}-{}", index, i),
              ResBottleneckBlock(i == 0 ? width_in : stage.width, stage.width, i == 0 ? 2 : 1,
                                 stage.group_width, se_ratio));
}

RegNet::RegNet(const RegNetDesign& design, const RegNetOptions& options) : fc(Identity()) {
  int64_t width = kStemWidth, index = 1;
  for (const RegNetStage& stage : regnet_stages(design)) {
    trunk_output->push_back(fmt::format("block{}", index), AnyStage(index, width, stage, design.se_ratio));
    width = stage.width;
    ++index;
  }
  fc = Linear(width, options.num_classes);
  apply([](Module& module) {
    if (auto* conv = dynamic_cast<Conv2d*>(&module)) {
      const Pair kernel = conv->kernel_size();
      init::normal_(conv->weight, 0, std::sqrt(2.0 / double(kernel.h * kernel.w * conv->out_channels())));
    } else if (auto* linear = dynamic_cast<Linear*>(&module)) {
      init::normal_(linear->weight, 0, 0.01);
      init::zeros_(linear->bias);
    }
  });
}

RegNet regnet_y_400mf(const RegNetOptions& options) {
  return RegNet({16, 48, 27.89, 2.09, 8, 0.25}, options);
}
RegNet regnet_y_800mf(const RegNetOptions& options) {
  return RegNet({14, 56, 38.84, 2.4, 16, 0.25}, options);
}
RegNet regnet_y_1_6gf(const RegNetOptions& options) {
  return RegNet({27, 48, 20.71, 2.65, 24, 0.25}, options);
}
RegNet regnet_y_3_2gf(const RegNetOptions& options) {
  return RegNet({21, 80, 42.63, 2.66, 24, 0.25}, options);
}
RegNet regnet_y_8gf(const RegNetOptions& options) {
  return RegNet({17, 192, 76.82, 2.19, 56, 0.25}, options);
}
RegNet regnet_y_16gf(const RegNetOptions& options) {
  return RegNet({18, 200, 106.23, 2.48, 112, 0.25}, options);
}
RegNet regnet_y_32gf(const RegNetOptions& options) {
  return RegNet({20, 232, 115.89, 2.53, 232, 0.25}, options);
}
RegNet regnet_y_128gf(const RegNetOptions& options) {
  return RegNet({27, 456, 160.83, 2.52, 264, 0.25}, options);
}
RegNet regnet_x_400mf(const RegNetOptions& options) { return RegNet({22, 24, 24.48, 2.54, 16}, options); }
RegNet regnet_x_800mf(const RegNetOptions& options) { return RegNet({16, 56, 35.73, 2.28, 16}, options); }
RegNet regnet_x_1_6gf(const RegNetOptions& options) { return RegNet({18, 80, 34.01, 2.25, 24}, options); }
RegNet regnet_x_3_2gf(const RegNetOptions& options) { return RegNet({25, 88, 26.31, 2.25, 48}, options); }
RegNet regnet_x_8gf(const RegNetOptions& options) { return RegNet({23, 80, 49.56, 2.88, 120}, options); }
RegNet regnet_x_16gf(const RegNetOptions& options) { return RegNet({22, 216, 55.59, 2.1, 128}, options); }
RegNet regnet_x_32gf(const RegNetOptions& options) { return RegNet({23, 320, 69.86, 2.0, 168}, options); }

namespace {

Builder named(const char* name, RegNet (*make)(const RegNetOptions&)) {
  return {name, [make](const ModelOptions& given) {
            RegNetOptions options;
            set(options.num_classes, given.num_classes);
            return make(options);
          }};
}

}  // namespace

Family families::regnet() {
  return {.type = "RegNet",
          .heads = {"fc"},
          .builders = {named("regnet_y_400mf", regnet_y_400mf), named("regnet_y_800mf", regnet_y_800mf),
                       named("regnet_y_1_6gf", regnet_y_1_6gf), named("regnet_y_3_2gf", regnet_y_3_2gf),
                       named("regnet_y_8gf", regnet_y_8gf), named("regnet_y_16gf", regnet_y_16gf),
                       named("regnet_y_32gf", regnet_y_32gf), named("regnet_y_128gf", regnet_y_128gf),
                       named("regnet_x_400mf", regnet_x_400mf), named("regnet_x_800mf", regnet_x_800mf),
                       named("regnet_x_1_6gf", regnet_x_1_6gf), named("regnet_x_3_2gf", regnet_x_3_2gf),
                       named("regnet_x_8gf", regnet_x_8gf), named("regnet_x_16gf", regnet_x_16gf),
                       named("regnet_x_32gf", regnet_x_32gf)}};
}

}  // namespace kiln::nn::models
