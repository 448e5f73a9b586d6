#include <kiln/models/classic/vgg.h>

#include <kiln/models/family.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn::models {

namespace {

constexpr int64_t kChannels[] = {64, 128, 256, 512, 512};
constexpr int kStages = 5;

Sequential make_features(const Dims& depths, bool batch_norm) {
  if (depths.rank() != kStages) fail("VGG: needs the depths of five stages, got {}", depths);
  Sequential layers;
  int64_t in = 3;
  for (int stage = 0; stage < kStages; ++stage) {
    const int64_t out = kChannels[stage];
    for (int64_t i = 0; i < depths[stage]; ++i) {
      layers.push_back(Conv2d(in, out, 3, {.padding = 1}));
      if (batch_norm) layers.push_back(BatchNorm2d(out));
      layers.push_back(ReLU({.inplace = true}));
      in = out;
    }
    layers.push_back(MaxPool2d(2, {.stride = 2}));
  }
  return layers;
}

}  // namespace

VGG::VGG(const Dims& depths, bool batch_norm, const VGGOptions& options)
    : features(make_features(depths, batch_norm)),
      classifier(Sequential(Linear(512 * 7 * 7, 4096), ReLU({.inplace = true}), Dropout(options.dropout),
                            Linear(4096, 4096), ReLU({.inplace = true}), Dropout(options.dropout),
                            Linear(4096, options.num_classes))) {
  apply([](Module& module) {
    if (auto* conv = dynamic_cast<Conv2d*>(&module)) {
      init::kaiming_normal_(conv->weight,
                            {.mode = init::FanMode::fan_out, .nonlinearity = init::Nonlinearity::relu});
      init::zeros_(conv->bias);
    } else if (auto* linear = dynamic_cast<Linear*>(&module)) {
      init::normal_(linear->weight, 0, 0.01);
      init::zeros_(linear->bias);
    }
  });
}

namespace {

VGG plain(const Dims& depths, const VGGOptions& options) { return VGG(depths, false, options); }
VGG normed(const Dims& depths, const VGGOptions& options) { return VGG(depths, true, options); }

}  // namespace

VGG vgg11(const VGGOptions& options) { return plain({1, 1, 2, 2, 2}, options); }
VGG vgg11_bn(const VGGOptions& options) { return normed({1, 1, 2, 2, 2}, options); }
VGG vgg13(const VGGOptions& options) { return plain({2, 2, 2, 2, 2}, options); }
VGG vgg13_bn(const VGGOptions& options) { return normed({2, 2, 2, 2, 2}, options); }
VGG vgg16(const VGGOptions& options) { return plain({2, 2, 3, 3, 3}, options); }
VGG vgg16_bn(const VGGOptions& options) { return normed({2, 2, 3, 3, 3}, options); }
VGG vgg19(const VGGOptions& options) { return plain({2, 2, 4, 4, 4}, options); }
VGG vgg19_bn(const VGGOptions& options) { return normed({2, 2, 4, 4, 4}, options); }

namespace {

Builder named(const char* name, VGG (*make)(const VGGOptions&)) {
  return {name, [make](const ModelOptions& given) {
            VGGOptions options;
            set(options.num_classes, given.num_classes);
            set(options.dropout, given.dropout);
            return make(options);
          }};
}

}  // namespace

Family families::vgg() {
  return {.type = "VGG",
          .heads = {"classifier.6"},
          .options = {"dropout"},
          .builders = {named("vgg11", vgg11), named("vgg11_bn", vgg11_bn), named("vgg13", vgg13),
                       named("vgg13_bn", vgg13_bn), named("vgg16", vgg16), named("vgg16_bn", vgg16_bn),
                       named("vgg19", vgg19), named("vgg19_bn", vgg19_bn)}};
}

}  // namespace kiln::nn::models
