#include <kiln/models/mobile/efficientnet.h>

#include <cmath>

#include <kiln/models/divisible.h>
#include <kiln/models/family.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/saturate.h>

namespace kiln::nn::models {

namespace {

// A convolution, batch norm and, unless it is the last of a block, SiLU.
struct Unit {
  int64_t in, out, kernel = 1, stride = 1, groups = 1;
  bool activation = true;
};

Conv2dNormActivation make_unit(const Unit& unit, const BatchNormLayerOptions& norm) {
  Conv2dNormActivationOptions options{.stride = unit.stride,
                                      .groups = unit.groups,
                                      .norm_layer = batch_norm_2d(norm),
                                      .activation_layer = {}};
  if (unit.activation) options.activation_layer = SiLU({.inplace = true});
  return Conv2dNormActivation(unit.in, unit.out, unit.kernel, options);
}

void initialise(Module& module) {
  if (auto* conv = dynamic_cast<Conv2d*>(&module)) {
    init::kaiming_normal_(conv->weight, {.mode = init::FanMode::fan_out});
    if (conv->bias.defined()) init::zeros_(conv->bias);
  } else if (auto* linear = dynamic_cast<Linear*>(&module)) {
    const double bound = 1 / std::sqrt(double(linear->out_features()));
    init::uniform_(linear->weight, -bound, bound);
    init::zeros_(linear->bias);
  }
}

Sequential make_stage(MBConvConfig config, double first_prob, double prob_step,
                      const BatchNormLayerOptions& norm) {
  Sequential stage;
  for (int64_t i = 0; i < config.num_layers; ++i) {
    const double prob = first_prob + prob_step * double(i);
    if (config.fused)
      stage.push_back(FusedMBConv(config, prob, norm));
    else
      stage.push_back(MBConv(config, prob, norm));
    config.input_channels = config.out_channels;
    config.stride = 1;
  }
  return stage;
}

// The first generation: one design, scaled in width and depth.
EfficientNetDesign scaled(double width, double depth, double dropout,
                          const BatchNormLayerOptions& norm = {}) {
  std::vector<MBConvConfig> stages = {{1, 3, 1, 32, 16, 1},  {6, 3, 2, 16, 24, 2},  {6, 5, 2, 24, 40, 2},
                                      {6, 3, 2, 40, 80, 3},  {6, 5, 1, 80, 112, 3}, {6, 5, 2, 112, 192, 4},
                                      {6, 3, 1, 192, 320, 1}};
  for (MBConvConfig& stage : stages) {
    stage.input_channels = make_divisible(double(stage.input_channels) * width, 8);
    stage.out_channels = make_divisible(double(stage.out_channels) * width, 8);
    stage.num_layers = saturate_cast(std::ceil(double(stage.num_layers) * depth));
  }
  return {std::move(stages), dropout, std::nullopt, norm};
}

EfficientNetDesign second(std::vector<MBConvConfig> stages, double dropout) {
  return {std::move(stages), dropout, 1280, {.eps = 1e-3}};
}

constexpr BatchNormLayerOptions kSlowNorm{.eps = 1e-3, .momentum = 0.01};

}  // namespace

InvertedBottleneck::InvertedBottleneck(const MBConvConfig& config, double stochastic_depth_prob)
    : stochastic_depth(stochastic_depth_prob, StochasticDepthMode::row),
      use_res_connect_(config.stride == 1 && config.input_channels == config.out_channels) {
  if (config.stride < 1 || config.stride > 2)
    fail("EfficientNet: the stride of a block is 1 or 2, got {}", config.stride);
}

Tensor InvertedBottleneck::forward(const Tensor& x) const {
  const Tensor y = block(x);
  return use_res_connect_ ? stochastic_depth(y) + x : y;
}

MBConv::MBConv(const MBConvConfig& config, double stochastic_depth_prob, const BatchNormLayerOptions& norm)
    : InvertedBottleneck(config, stochastic_depth_prob) {
  const int64_t in = config.input_channels,
                middle = make_divisible(double(mul_sat(in, config.expand_ratio)), 8);
  if (middle != in) block.push_back(make_unit({in, middle}, norm));
  block.push_back(make_unit({middle, middle, config.kernel, config.stride, middle}, norm));
  block.push_back(SqueezeExcitation(middle, std::max<int64_t>(1, in / 4), SiLU({.inplace = true})));
  block.push_back(make_unit({.in = middle, .out = config.out_channels, .activation = false}, norm));
}

FusedMBConv::FusedMBConv(const MBConvConfig& config, double stochastic_depth_prob,
                         const BatchNormLayerOptions& norm)
    : InvertedBottleneck(config, stochastic_depth_prob) {
  const int64_t in = config.input_channels,
                middle = make_divisible(double(mul_sat(in, config.expand_ratio)), 8);
  const bool expands = middle != in;
  block.push_back(
      make_unit({in, expands ? middle : config.out_channels, config.kernel, config.stride}, norm));
  if (expands)
    block.push_back(make_unit({.in = middle, .out = config.out_channels, .activation = false}, norm));
}

EfficientNet::EfficientNet(const EfficientNetDesign& design, const EfficientNetOptions& options) {
  if (design.stages.empty()) fail("EfficientNet: needs at least one stage");
  const int64_t last = design.stages.back().out_channels,
                head = design.last_channel.value_or(mul_sat(4, last));
  int64_t total = 0, block = 0;
  for (const MBConvConfig& stage : design.stages) total += stage.num_layers;
  const double step = options.stochastic_depth_prob / double(total);
  features->push_back(
      make_unit({.in = 3, .out = design.stages[0].input_channels, .kernel = 3, .stride = 2}, design.norm));
  for (const MBConvConfig& stage : design.stages) {
    features->push_back(make_stage(stage, step * double(block), step, design.norm));
    block += stage.num_layers;
  }
  features->push_back(make_unit({last, head}, design.norm));
  classifier->push_back(Dropout(options.dropout.value_or(design.dropout), {.inplace = true}));
  classifier->push_back(Linear(head, options.num_classes));
  apply(initialise);
}

EfficientNet efficientnet_b0(const EfficientNetOptions& options) {
  return EfficientNet(scaled(1.0, 1.0, 0.2), options);
}
EfficientNet efficientnet_b1(const EfficientNetOptions& options) {
  return EfficientNet(scaled(1.0, 1.1, 0.2), options);
}
EfficientNet efficientnet_b2(const EfficientNetOptions& options) {
  return EfficientNet(scaled(1.1, 1.2, 0.3), options);
}
EfficientNet efficientnet_b3(const EfficientNetOptions& options) {
  return EfficientNet(scaled(1.2, 1.4, 0.3), options);
}
EfficientNet efficientnet_b4(const EfficientNetOptions& options) {
  return EfficientNet(scaled(1.4, 1.8, 0.4), options);
}
EfficientNet efficientnet_b5(const EfficientNetOptions& options) {
  return EfficientNet(scaled(1.6, 2.2, 0.4, kSlowNorm), options);
}
EfficientNet efficientnet_b6(const EfficientNetOptions& options) {
  return EfficientNet(scaled(1.8, 2.6, 0.5, kSlowNorm), options);
}
EfficientNet efficientnet_b7(const EfficientNetOptions& options) {
  return EfficientNet(scaled(2.0, 3.1, 0.5, kSlowNorm), options);
}

EfficientNet efficientnet_v2_s(const EfficientNetOptions& options) {
  return EfficientNet(second({{1, 3, 1, 24, 24, 2, true},
                              {4, 3, 2, 24, 48, 4, true},
                              {4, 3, 2, 48, 64, 4, true},
                              {4, 3, 2, 64, 128, 6},
                              {6, 3, 1, 128, 160, 9},
                              {6, 3, 2, 160, 256, 15}},
                             0.2),
                      options);
}
EfficientNet efficientnet_v2_m(const EfficientNetOptions& options) {
  return EfficientNet(second({{1, 3, 1, 24, 24, 3, true},
                              {4, 3, 2, 24, 48, 5, true},
                              {4, 3, 2, 48, 80, 5, true},
                              {4, 3, 2, 80, 160, 7},
                              {6, 3, 1, 160, 176, 14},
                              {6, 3, 2, 176, 304, 18},
                              {6, 3, 1, 304, 512, 5}},
                             0.3),
                      options);
}
EfficientNet efficientnet_v2_l(const EfficientNetOptions& options) {
  return EfficientNet(second({{1, 3, 1, 32, 32, 4, true},
                              {4, 3, 2, 32, 64, 7, true},
                              {4, 3, 2, 64, 96, 7, true},
                              {4, 3, 2, 96, 192, 10},
                              {6, 3, 1, 192, 224, 19},
                              {6, 3, 2, 224, 384, 25},
                              {6, 3, 1, 384, 640, 7}},
                             0.4),
                      options);
}

namespace {

Builder named(const char* name, EfficientNet (*make)(const EfficientNetOptions&)) {
  return {name, [make](const ModelOptions& given) {
            EfficientNetOptions options;
            set(options.num_classes, given.num_classes);
            options.dropout = given.dropout;
            options.stochastic_depth_prob =
                given.stochastic_depth_prob.value_or(options.stochastic_depth_prob);
            return make(options);
          }};
}

}  // namespace

Family families::efficientnet() {
  return {.type = "EfficientNet",
          .heads = {"classifier.1"},
          .options = {"dropout", "stochastic_depth_prob"},
          .builders = {named("efficientnet_b0", efficientnet_b0), named("efficientnet_b1", efficientnet_b1),
                       named("efficientnet_b2", efficientnet_b2), named("efficientnet_b3", efficientnet_b3),
                       named("efficientnet_b4", efficientnet_b4), named("efficientnet_b5", efficientnet_b5),
                       named("efficientnet_b6", efficientnet_b6), named("efficientnet_b7", efficientnet_b7),
                       named("efficientnet_v2_s", efficientnet_v2_s),
                       named("efficientnet_v2_m", efficientnet_v2_m),
                       named("efficientnet_v2_l", efficientnet_v2_l)}};
}

}  // namespace kiln::nn::models
