#include <kiln/models/classic/squeezenet.h>

#include <kiln/models/family.h>

namespace kiln::nn::models {

namespace {

MaxPool2d pool() { return MaxPool2d(3, {.stride = 2, .ceil_mode = true}); }

}  // namespace

Fire::Fire(int64_t in_planes, int64_t squeeze_planes, int64_t expand_planes)
    : squeeze(in_planes, squeeze_planes, 1),
      expand1x1(squeeze_planes, expand_planes, 1),
      expand3x3(squeeze_planes, expand_planes, 3, {.padding = 1}) {}

Tensor Fire::forward(const Tensor& x) const {
  const Tensor y = squeeze_activation(squeeze(x));
  return cat({expand1x1_activation(expand1x1(y)), expand3x3_activation(expand3x3(y))}, 1);
}

SqueezeNet::SqueezeNet(Sequential layers, const SqueezeNetOptions& options)
    : features(std::move(layers)),
      classifier(Sequential(Dropout(options.dropout), Conv2d(512, options.num_classes, 1),
                            ReLU({.inplace = true}), AdaptiveAvgPool2d(1))) {
  apply([](Module& module) {
    auto* conv = dynamic_cast<Conv2d*>(&module);
    if (conv == nullptr) return;
    init::kaiming_uniform_(conv->weight);
    init::zeros_(conv->bias);
  });
  init::normal_(classifier->get<Conv2d>(1).weight, 0, 0.01);
}

SqueezeNet squeezenet1_0(const SqueezeNetOptions& options) {
  return {Sequential(Conv2d(3, 96, 7, {.stride = 2}), ReLU({.inplace = true}), pool(), Fire(96, 16, 64),
                     Fire(128, 16, 64), Fire(128, 32, 128), pool(), Fire(256, 32, 128), Fire(256, 48, 192),
                     Fire(384, 48, 192), Fire(384, 64, 256), pool(), Fire(512, 64, 256)),
          options};
}

SqueezeNet squeezenet1_1(const SqueezeNetOptions& options) {
  return {Sequential(Conv2d(3, 64, 3, {.stride = 2}), ReLU({.inplace = true}), pool(), Fire(64, 16, 64),
                     Fire(128, 16, 64), pool(), Fire(128, 32, 128), Fire(256, 32, 128), pool(),
                     Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256)),
          options};
}

namespace {

Builder named(const char* name, SqueezeNet (*make)(const SqueezeNetOptions&)) {
  return {name, [make](const ModelOptions& given) {
            SqueezeNetOptions options;
            set(options.num_classes, given.num_classes);
            set(options.dropout, given.dropout);
            return make(options);
          }};
}

}  // namespace

Family families::squeezenet() {
  return {.type = "SqueezeNet",
          .heads = {"classifier.1"},
          .options = {"dropout"},
          .builders = {named("squeezenet1_0", squeezenet1_0), named("squeezenet1_1", squeezenet1_1)}};
}

}  // namespace kiln::nn::models
