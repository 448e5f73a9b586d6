#include <kiln/models/mobile/mobilenet_v3.h>

#include <kiln/models/divisible.h>
#include <kiln/models/family.h>
#include <kiln/models/mobile/initialise.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn::models {

namespace {

enum class Act : uint8_t { none, relu, hardswish };

Conv2dNormActivation unit(int64_t in, int64_t out, int64_t kernel, Act act, int64_t stride = 1,
                          int64_t groups = 1) {
  Conv2dNormActivationOptions options{.stride = stride,
                                      .groups = groups,
                                      .norm_layer = batch_norm_2d({.eps = 1e-3, .momentum = 0.01}),
                                      .activation_layer = {}};
  if (act == Act::relu) options.activation_layer = ReLU({.inplace = true});
  if (act == Act::hardswish) options.activation_layer = Hardswish({.inplace = true});
  return Conv2dNormActivation(in, out, kernel, options);
}

}  // namespace

namespace mobilenetv3 {

InvertedResidual::InvertedResidual(const InvertedResidualConfig& config)
    : use_res_connect_(config.stride == 1 && config.input_channels == config.out_channels) {
  const auto& [in, kernel, middle, out, use_se, use_hs, stride] = config;
  if (stride < 1 || stride > 2) fail("InvertedResidual: the stride is 1 or 2, got {}", stride);
  const Act act = use_hs ? Act::hardswish : Act::relu;
  if (middle != in) block.push_back(unit(in, middle, 1, act));
  block.push_back(unit(middle, middle, kernel, act, stride, middle));
  const int64_t quarter = middle / 4;
  if (use_se)
    block.push_back(SqueezeExcitation(middle, make_divisible(double(quarter), 8), ReLU(), Hardsigmoid()));
  block.push_back(unit(middle, out, 1, Act::none));
}

}  // namespace mobilenetv3

MobileNetV3::MobileNetV3(const std::vector<mobilenetv3::InvertedResidualConfig>& blocks, int64_t last_channel,
                         const MobileNetV3Options& options) {
  if (blocks.empty()) fail("MobileNetV3: needs at least one block");
  const int64_t last = blocks.back().out_channels;
  features->push_back(unit(3, blocks.front().input_channels, 3, Act::hardswish, 2));
  for (const auto& block : blocks) features->push_back(mobilenetv3::InvertedResidual(block));
  features->push_back(unit(last, 6 * last, 1, Act::hardswish));
  classifier->push_back(Linear(6 * last, last_channel));
  classifier->push_back(Hardswish({.inplace = true}));
  classifier->push_back(Dropout(options.dropout, {.inplace = true}));
  classifier->push_back(Linear(last_channel, options.num_classes));
  apply(initialise_mobile);
}

MobileNetV3 mobilenet_v3_small(const MobileNetV3Options& options) {
  return MobileNetV3({{16, 3, 16, 16, true, false, 2},
                      {16, 3, 72, 24, false, false, 2},
                      {24, 3, 88, 24, false, false, 1},
                      {24, 5, 96, 40, true, true, 2},
                      {40, 5, 240, 40, true, true, 1},
                      {40, 5, 240, 40, true, true, 1},
                      {40, 5, 120, 48, true, true, 1},
                      {48, 5, 144, 48, true, true, 1},
                      {48, 5, 288, 96, true, true, 2},
                      {96, 5, 576, 96, true, true, 1},
                      {96, 5, 576, 96, true, true, 1}},
                     1024, options);
}

MobileNetV3 mobilenet_v3_large(const MobileNetV3Options& options) {
  return MobileNetV3({{16, 3, 16, 16, false, false, 1},
                      {16, 3, 64, 24, false, false, 2},
                      {24, 3, 72, 24, false, false, 1},
                      {24, 5, 72, 40, true, false, 2},
                      {40, 5, 120, 40, true, false, 1},
                      {40, 5, 120, 40, true, false, 1},
                      {40, 3, 240, 80, false, true, 2},
                      {80, 3, 200, 80, false, true, 1},
                      {80, 3, 184, 80, false, true, 1},
                      {80, 3, 184, 80, false, true, 1},
                      {80, 3, 480, 112, true, true, 1},
                      {112, 3, 672, 112, true, true, 1},
                      {112, 5, 672, 160, true, true, 2},
                      {160, 5, 960, 160, true, true, 1},
                      {160, 5, 960, 160, true, true, 1}},
                     1280, options);
}

namespace {

Builder named(const char* name, MobileNetV3 (*make)(const MobileNetV3Options&)) {
  return {name, [make](const ModelOptions& given) {
            MobileNetV3Options options;
            set(options.num_classes, given.num_classes);
            set(options.dropout, given.dropout);
            return make(options);
          }};
}

}  // namespace

Family families::mobilenet_v3() {
  return {.type = "MobileNetV3",
          .heads = {"classifier.3"},
          .options = {"dropout"},
          .builders = {named("mobilenet_v3_small", mobilenet_v3_small),
                       named("mobilenet_v3_large", mobilenet_v3_large)}};
}

}  // namespace kiln::nn::models
