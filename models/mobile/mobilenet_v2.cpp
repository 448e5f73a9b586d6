#include <kiln/models/mobile/mobilenet_v2.h>

#include <kiln/models/divisible.h>
#include <kiln/models/family.h>
#include <kiln/models/mobile/initialise.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/saturate.h>

namespace kiln::nn::models {

namespace {

// torchvision's inverted_residual_setting.
struct Stage {
  int64_t expand_ratio, channels, blocks, stride;
};
constexpr Stage kStages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                             {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

Conv2dNormActivation unit(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1, int64_t groups = 1) {
  return Conv2dNormActivation(
      in, out, kernel, {.stride = stride, .groups = groups, .activation_layer = ReLU6({.inplace = true})});
}

}  // namespace

namespace mobilenetv2 {

InvertedResidual::InvertedResidual(int64_t in, int64_t out, int64_t stride, int64_t expand_ratio)
    : use_res_connect_(stride == 1 && in == out) {
  if (stride < 1 || stride > 2) fail("InvertedResidual: the stride is 1 or 2, got {}", stride);
  const int64_t hidden = mul_sat(in, expand_ratio);
  if (expand_ratio != 1) conv.push_back(unit(in, hidden, 1));
  conv.push_back(unit(hidden, hidden, 3, stride, hidden));
  conv.push_back(Conv2d(hidden, out, 1, {.bias = false}));
  conv.push_back(BatchNorm2d(out));
}

}  // namespace mobilenetv2

MobileNetV2::MobileNetV2(const MobileNetV2Options& options) {
  const auto scaled = [&](int64_t channels) {
    return make_divisible(double(channels) * options.width_mult, 8);
  };
  const int64_t last = make_divisible(1280 * std::max(1.0, options.width_mult), 8);
  int64_t in = scaled(32);
  features->push_back(unit(3, in, 3, 2));
  for (const Stage& stage : kStages) {
    for (int64_t i = 0; i < stage.blocks; ++i) {
      const int64_t out = scaled(stage.channels);
      features->push_back(
          mobilenetv2::InvertedResidual(in, out, i == 0 ? stage.stride : 1, stage.expand_ratio));
      in = out;
    }
  }
  features->push_back(unit(in, last, 1));
  classifier->push_back(Dropout(options.dropout));
  classifier->push_back(Linear(last, options.num_classes));
  apply(initialise_mobile);
}

MobileNetV2 mobilenet_v2(const MobileNetV2Options& options) { return MobileNetV2(options); }

namespace {

Builder named(const char* name, MobileNetV2 (*make)(const MobileNetV2Options&)) {
  return {name, [make](const ModelOptions& given) {
            MobileNetV2Options options;
            set(options.num_classes, given.num_classes);
            set(options.dropout, given.dropout);
            return make(options);
          }};
}

}  // namespace

Family families::mobilenet_v2() {
  return {.type = "MobileNetV2",
          .heads = {"classifier.1"},
          .options = {"dropout"},
          .builders = {named("mobilenet_v2", models::mobilenet_v2)}};
}

}  // namespace kiln::nn::models
