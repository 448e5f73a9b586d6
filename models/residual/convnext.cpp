#include <kiln/models/residual/convnext.h>

#include <kiln/models/family.h>
#include <kiln/models/stochastic_depth.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/saturate.h>

namespace kiln::nn::models {

namespace {

constexpr LayerNormOptions kNorm{.eps = 1e-6};

void initialise(Module& module) {
  const auto start = [](const Parameter& weight, const Parameter& bias) {
    init::trunc_normal_(weight, 0, 0.02);
    if (bias.defined()) init::zeros_(bias);
  };
  if (auto* conv = dynamic_cast<Conv2d*>(&module)) start(conv->weight, conv->bias);
  if (auto* linear = dynamic_cast<Linear*>(&module)) start(linear->weight, linear->bias);
}

Conv2dNormActivation stem(int64_t channels) {
  return Conv2dNormActivation(3, channels, 4,
                              {.stride = 4,
                               .padding = 0,
                               .norm_layer = [](int64_t c) { return LayerNorm2d(c, kNorm); },
                               .activation_layer = {},
                               .bias = true});
}

}  // namespace

CNBlock::CNBlock(int64_t channels, double initial_scale, double stochastic_depth_prob)
    : layer_scale(full({channels, 1, 1}, float(initial_scale))),
      block(Conv2d(channels, channels, 7, {.padding = 3, .groups = channels}), Permute({0, 2, 3, 1}),
            LayerNorm(Shape{channels}, kNorm), Linear(channels, mul_sat(4, channels)), GELU(),
            Linear(mul_sat(4, channels), channels), Permute({0, 3, 1, 2})),
      stochastic_depth(stochastic_depth_prob, StochasticDepthMode::row) {}

ConvNeXt::ConvNeXt(const ConvNeXtDesign& design, const ConvNeXtOptions& options) {
  const auto& [channels, depths, own_prob] = design;
  if (channels.empty() || channels.size() != depths.size())
    fail("ConvNeXt: needs as many depths as channels, got {} and {}", depths.size(), channels.size());
  int64_t total = 0, done = 0;
  for (const int64_t depth : depths) total += depth;
  const double prob = options.stochastic_depth_prob.value_or(own_prob);
  features->push_back(stem(channels[0]));
  for (size_t i = 0; i < channels.size(); ++i) {
    Sequential stage;
    for (int64_t k = 0; k < depths[i]; ++k, ++done)
      stage.push_back(
          CNBlock(channels[i], options.layer_scale, stochastic_depth_prob_of_block(prob, done, total)));
    features->push_back(std::move(stage));
    if (i + 1 < channels.size())
      features->push_back(Sequential(LayerNorm2d(channels[i], kNorm),
                                     Conv2d(channels[i], channels[i + 1], 2, {.stride = 2})));
  }
  classifier->push_back(LayerNorm2d(channels.back(), kNorm));
  classifier->push_back(Flatten(1));
  classifier->push_back(Linear(channels.back(), options.num_classes));
  apply(initialise);
}

ConvNeXt convnext_tiny(const ConvNeXtOptions& options) {
  return ConvNeXt({{96, 192, 384, 768}, {3, 3, 9, 3}, 0.1}, options);
}
ConvNeXt convnext_small(const ConvNeXtOptions& options) {
  return ConvNeXt({{96, 192, 384, 768}, {3, 3, 27, 3}, 0.4}, options);
}
ConvNeXt convnext_base(const ConvNeXtOptions& options) {
  return ConvNeXt({{128, 256, 512, 1024}, {3, 3, 27, 3}, 0.5}, options);
}
ConvNeXt convnext_large(const ConvNeXtOptions& options) {
  return ConvNeXt({{192, 384, 768, 1536}, {3, 3, 27, 3}, 0.5}, options);
}

namespace {

Builder named(const char* name, ConvNeXt (*make)(const ConvNeXtOptions&)) {
  return {name, [make](const ModelOptions& given) {
            ConvNeXtOptions options;
            set(options.num_classes, given.num_classes);
            options.stochastic_depth_prob = given.stochastic_depth_prob;
            return make(options);
          }};
}

}  // namespace

Family families::convnext() {
  return {.type = "ConvNeXt",
          .heads = {"classifier.2"},
          .options = {"stochastic_depth_prob"},
          .builders = {named("convnext_tiny", convnext_tiny), named("convnext_small", convnext_small),
                       named("convnext_base", convnext_base), named("convnext_large", convnext_large)}};
}

}  // namespace kiln::nn::models
