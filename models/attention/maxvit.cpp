#include <kiln/models/attention/maxvit.h>

#include <kiln/models/family.h>
#include <kiln/models/stochastic_depth.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/saturate.h>

namespace kiln::nn::models {

namespace {

// Behind a convolution of stride 2 that pads.
int64_t halved(int64_t size) { return add_sat(size, 1) / 2; }

void initialise(Module& module) {
  const auto start = [](const Parameter& weight, const Parameter& bias) {
    init::normal_(weight, 0, 0.02);
    if (bias.defined()) init::zeros_(bias);
  };
  if (auto* conv = dynamic_cast<Conv2d*>(&module)) start(conv->weight, conv->bias);
  if (auto* linear = dynamic_cast<Linear*>(&module)) start(linear->weight, linear->bias);
}

Sequential make_stem(int64_t channels) {
  return Sequential(
      Conv2dNormActivation(3, channels, 3,
                           {.stride = 2,
                            .norm_layer = batch_norm_2d({.eps = 1e-3, .momentum = 0.99}),
                            .activation_layer = GELU(),
                            .bias = false}),
      Conv2dNormActivation(channels, channels, 3, {.norm_layer = {}, .activation_layer = {}, .bias = true}));
}

}  // namespace

MaxVit::MaxVit(const MaxVitDesign& design, const MaxVitOptions& options) {
  const auto& [stem_channels, channels, depths, head_dim, own_prob, partition] = design;
  if (channels.empty() || channels.size() != depths.size())
    fail("MaxVit: needs as many block_layers as block_channels, got {} and {}", depths.size(),
         channels.size());
  if (partition < 1) fail("MaxVit: partition_size must be at least 1, got {}", partition);
  stem = make_stem(stem_channels);
  int64_t total = 0, done = 0, in = stem_channels, size = halved(options.image_size);
  for (const int64_t depth : depths) total += depth;
  const double prob = options.stochastic_depth_prob.value_or(own_prob);
  for (size_t i = 0; i < channels.size(); ++i) {
    size = halved(size);
    if (size % partition != 0)
      fail("MaxVit: image_size {} gives block {} pictures of {} x {}, which partitions of {} do not tile",
           options.image_size, i, size, size, partition);
    maxvit::MaxVitBlock block;
    for (int64_t k = 0; k < depths[i]; ++k, ++done) {
      block.layers.push_back(
          maxvit::MaxVitLayer({.in_channels = in,
                               .out_channels = channels[i],
                               .stride = k == 0 ? 2 : 1,
                               .head_dim = head_dim,
                               .partition_size = partition,
                               .grid_size = size,
                               .stochastic_depth_prob = stochastic_depth_prob_of_block(prob, done, total)}));
      in = channels[i];
    }
    blocks->push_back(std::move(block));
  }
  classifier = Sequential(AdaptiveAvgPool2d(1), Flatten(), LayerNorm(Shape{in}), Linear(in, in), Tanh(),
                          Linear(in, options.num_classes, {.bias = false}));
  apply(initialise);
}

Tensor MaxVit::forward(const Tensor& x) const {
  Tensor y = stem(x);
  for (const AnyModule& block : *blocks) y = block(y);
  return classifier(y);
}

MaxVit maxvit_t(const MaxVitOptions& options) {
  return MaxVit({64, {64, 128, 256, 512}, {2, 2, 5, 2}, 32, 0.2, 7}, options);
}

namespace {

Builder named(const char* name, MaxVit (*make)(const MaxVitOptions&)) {
  return {name, [make](const ModelOptions& given) {
            MaxVitOptions options;
            set(options.num_classes, given.num_classes);
            options.stochastic_depth_prob = given.stochastic_depth_prob;
            set(options.image_size, given.image_size);
            return make(options);
          }};
}

}  // namespace

Family families::maxvit() {
  return {.type = "MaxVit",
          .heads = {"classifier.5"},
          .options = {"stochastic_depth_prob", "image_size"},
          .builders = {named("maxvit_t", maxvit_t)}};
}

}  // namespace kiln::nn::models
