#include <kiln/models/mobile/mnasnet.h>

#include <algorithm>

#include <kiln/models/family.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/saturate.h>

namespace kiln::nn::models {

namespace {

// The paper's 0.9997 is what is kept.
constexpr BatchNormLayerOptions kNorm = {.momentum = 1 - 0.9997};

// Stem, depthwise stage, then the six stages of inverted residuals.
constexpr int64_t kDepths[] = {32, 16, 24, 40, 80, 96, 192, 320};

// To a multiple of eight, up unless that is more than a tenth too much.
int64_t scaled(int64_t depth, double alpha) {
  const double wanted = double(depth) * alpha;
  const int64_t rounded = std::max<int64_t>(8, int64_t(wanted + 4) / 8 * 8);
  return double(rounded) >= 0.9 * wanted ? rounded : rounded + 8;
}

struct Stage {
  int64_t kernel, stride, expansion, repeats;
};
constexpr Stage kStages[] = {{3, 2, 3, 3}, {5, 2, 3, 3}, {5, 2, 6, 3},
                             {3, 1, 6, 2}, {5, 2, 6, 4}, {3, 1, 6, 1}};

Sequential stack(int64_t in, int64_t out, const Stage& stage) {
  Sequential layers;
  for (int64_t i = 0; i < stage.repeats; ++i)
    layers.push_back(mnasnet_parts::InvertedResidual(i == 0 ? in : out, out, stage.kernel,
                                                     i == 0 ? stage.stride : 1, stage.expansion));
  return layers;
}

Conv2d depthwise(int64_t channels, int64_t kernel, int64_t stride) {
  return Conv2d(channels, channels, kernel,
                {.stride = stride, .padding = kernel / 2, .groups = channels, .bias = false});
}

Conv2d pointwise(int64_t in, int64_t out) { return Conv2d(in, out, 1, {.bias = false}); }

// Layers 0 to 8; `third` is the channels behind the first stack.
Sequential first_layers(int64_t stem, int64_t second, int64_t third) {
  return Sequential(Conv2d(3, stem, 3, {.stride = 2, .padding = 1, .bias = false}), BatchNorm2d(stem, kNorm),
                    ReLU({.inplace = true}), depthwise(stem, 3, 1), BatchNorm2d(stem, kNorm),
                    ReLU({.inplace = true}), pointwise(stem, second), BatchNorm2d(second, kNorm),
                    stack(second, third, kStages[0]));
}

void initialise(Module& module) {
  if (auto* conv = dynamic_cast<Conv2d*>(&module)) {
    init::kaiming_normal_(conv->weight,
                          {.mode = init::FanMode::fan_out, .nonlinearity = init::Nonlinearity::relu});
  } else if (auto* linear = dynamic_cast<Linear*>(&module)) {
    init::kaiming_uniform_(linear->weight,
                           {.mode = init::FanMode::fan_out, .nonlinearity = init::Nonlinearity::sigmoid});
    init::zeros_(linear->bias);
  }
}

}  // namespace

mnasnet_parts::InvertedResidual::InvertedResidual(int64_t in_channels, int64_t out_channels, int64_t kernel,
                                                  int64_t stride, int64_t expansion)
    : layers(pointwise(in_channels, mul_sat(in_channels, expansion)),
             BatchNorm2d(mul_sat(in_channels, expansion), kNorm), ReLU({.inplace = true}),
             depthwise(mul_sat(in_channels, expansion), kernel, stride),
             BatchNorm2d(mul_sat(in_channels, expansion), kNorm), ReLU({.inplace = true}),
             pointwise(mul_sat(in_channels, expansion), out_channels), BatchNorm2d(out_channels, kNorm)),
      apply_residual_(in_channels == out_channels && stride == 1) {}

Tensor mnasnet_parts::InvertedResidual::forward(const Tensor& x) const {
  const Tensor y = layers(x);
  return apply_residual_ ? y + x : y;
}

MNASNet::MNASNet(double alpha, const MNASNetOptions& options)
    : layers(Sequential()),
      classifier(Sequential(Dropout(options.dropout, {.inplace = true}), Linear(1280, options.num_classes))) {
  if (!(alpha > 0)) fail("MNASNet: alpha must be greater than 0, got {}", alpha);
  int64_t depths[std::size(kDepths)];
  for (size_t i = 0; i < std::size(kDepths); ++i) depths[i] = scaled(kDepths[i], alpha);
  Sequential all = first_layers(depths[0], depths[1], depths[2]);
  for (size_t i = 1; i < std::size(kStages); ++i)
    all.push_back(stack(depths[i + 1], depths[i + 2], kStages[i]));
  all.push_back(pointwise(depths[7], 1280));
  all.push_back(BatchNorm2d(1280, kNorm));
  all.push_back(ReLU({.inplace = true}));
  layers = std::move(all);
  apply(initialise);
}

void MNASNet::use_first_version() {
  // What the first stack gives is what the second one takes.
  const auto& second = layers->get<Sequential>(9).get<mnasnet_parts::InvertedResidual>(0);
  const int64_t third = second.layers.get<Conv2d>(0).in_channels();
  Sequential first = first_layers(kDepths[0], kDepths[1], third);
  first.apply(initialise);
  for (int64_t i = 0; i < int64_t(first.size()); ++i) (*layers)[i] = first[i];
}

MNASNet mnasnet0_5(const MNASNetOptions& options) { return MNASNet(0.5, options); }
MNASNet mnasnet0_75(const MNASNetOptions& options) { return MNASNet(0.75, options); }
MNASNet mnasnet1_0(const MNASNetOptions& options) { return MNASNet(1, options); }
MNASNet mnasnet1_3(const MNASNetOptions& options) { return MNASNet(1.3, options); }

namespace {

Builder named(const char* name, MNASNet (*make)(const MNASNetOptions&)) {
  return {name, [make](const ModelOptions& given) {
            MNASNetOptions options;
            set(options.num_classes, given.num_classes);
            set(options.dropout, given.dropout);
            return make(options);
          }};
}

// Files of version 1 are told by their stem of 32 channels, as their number is not part of the weights.
void adapt_version(Module& module, StateDict& state) {
  auto& net = dynamic_cast<MNASNet&>(module);
  const Tensor* stem = state.find("layers.0.weight");
  const int64_t own = net.layers->get<Conv2d>(0).out_channels();
  if (stem != nullptr && stem->dim() == 4 && stem->size(0) == kDepths[0] && own != kDepths[0])
    net.use_first_version();
}

}  // namespace

Family families::mnasnet() {
  return {.type = "MNASNet",
          .heads = {"classifier.1"},
          .options = {"dropout"},
          .builders = {named("mnasnet0_5", mnasnet0_5), named("mnasnet0_75", mnasnet0_75),
                       named("mnasnet1_0", mnasnet1_0), named("mnasnet1_3", mnasnet1_3)},
          .adapt = adapt_version};
}

}  // namespace kiln::nn::models
