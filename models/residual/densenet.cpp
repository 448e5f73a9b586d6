#include <kiln/models/residual/densenet.h>

#include <kiln/models/family.h>
#include <kiln/tensor/base/saturate.h>
#include <kiln/tensor/value/surgery.h>

namespace kiln::nn::models {

namespace {

// Batch norm and ReLU in one pass, unless somebody watches the ReLU.
Tensor norm_relu(const BatchNorm2d& norm, const ReLU& relu, const Tensor& x) {
  return relu.has_hooks() ? relu(norm(x)) : norm.relu(x);
}

Conv2d conv(int64_t in, int64_t out, Pair kernel, Padding padding = 0) {
  return Conv2d(in, out, kernel, {.padding = padding, .bias = false});
}

Sequential transition(int64_t in_features, int64_t out_features) {
  Sequential layers;
  layers.push_back("norm", BatchNorm2d(in_features));
  layers.push_back("relu", ReLU({.inplace = true}));
  layers.push_back("conv", conv(in_features, out_features, 1));
  layers.push_back("pool", AvgPool2d(2, {.stride = 2}));
  return layers;
}

Sequential stem(int64_t out_features) {
  Sequential layers;
  layers.push_back("conv0", Conv2d(3, out_features, 7, {.stride = 2, .padding = 3, .bias = false}));
  layers.push_back("norm0", BatchNorm2d(out_features));
  layers.push_back("relu0", ReLU({.inplace = true}));
  layers.push_back("pool0", MaxPool2d(3, {.stride = 2, .padding = 1}));
  return layers;
}

}  // namespace

DenseLayer::DenseLayer(int64_t in_features, const DenseNetOptions& options)
    : norm1(in_features),
      conv1(conv(in_features, mul_sat(options.bn_size, options.growth_rate), 1)),
      norm2(mul_sat(options.bn_size, options.growth_rate)),
      conv2(conv(mul_sat(options.bn_size, options.growth_rate), options.growth_rate, 3, 1)),
      drop_rate_(options.drop_rate) {}

Tensor DenseLayer::forward(const Tensor& x) const {
  const Tensor y = conv2(norm_relu(norm2, relu2, conv1(norm_relu(norm1, relu1, x))));
  return drop_rate_ > 0 ? dropout(y, drop_rate_, is_training()) : y;
}

DenseBlock::DenseBlock(int64_t layers, int64_t in_features, const DenseNetOptions& options) {
  for (int64_t i = 0; i < layers; ++i)
    push_back("denselayer" + std::to_string(i + 1),
              DenseLayer(add_sat(in_features, mul_sat(i, options.growth_rate)), options));
}

Tensor DenseBlock::operator()(const Tensor& x) const { return detail::call(*this, x); }

// Two at a time: as many bytes are copied as by lists of all that came before, and no list is copied again
// for the result.
Tensor DenseBlock::forward(const Tensor& x) const {
  Tensor features = x;
  for (const AnyModule& layer : *this) features = cat({features, layer(features)}, 1);
  return features;
}

DenseNet::DenseNet(const Dims& depths, const DenseNetOptions& options)
    : features(stem(options.num_init_features)), classifier(Linear(1, 1)) {
  int64_t channels = options.num_init_features;
  for (int i = 0; i < depths.rank(); ++i) {
    const std::string number = std::to_string(i + 1);
    features->push_back("denseblock" + number, DenseBlock(depths[i], channels, options));
    channels += depths[i] * options.growth_rate;
    if (i + 1 == depths.rank()) break;
    features->push_back("transition" + number, transition(channels, channels / 2));
    channels /= 2;
  }
  features->push_back("norm" + std::to_string(depths.rank() + 1), BatchNorm2d(channels));
  classifier = Linear(channels, options.num_classes);
  apply([](Module& module) {
    if (auto* conv = dynamic_cast<Conv2d*>(&module)) init::kaiming_normal_(conv->weight);
    if (auto* linear = dynamic_cast<Linear*>(&module)) init::zeros_(linear->bias);
  });
}

Tensor DenseNet::forward(const Tensor& x) const {
  return classifier(flatten(adaptive_avg_pool2d(features(x).relu_(), 1), 1));
}

namespace {

DenseNet sized(const Dims& depths, int64_t growth_rate, int64_t num_init_features, DenseNetOptions options) {
  options.growth_rate = growth_rate;
  options.num_init_features = num_init_features;
  return DenseNet(depths, options);
}

}  // namespace

DenseNet densenet121(const DenseNetOptions& options) { return sized({6, 12, 24, 16}, 32, 64, options); }
DenseNet densenet161(const DenseNetOptions& options) { return sized({6, 12, 36, 24}, 48, 96, options); }
DenseNet densenet169(const DenseNetOptions& options) { return sized({6, 12, 32, 32}, 32, 64, options); }
DenseNet densenet201(const DenseNetOptions& options) { return sized({6, 12, 48, 32}, 32, 64, options); }

namespace {

Builder named(const char* name, DenseNet (*make)(const DenseNetOptions&)) {
  return {name, [make](const ModelOptions& given) {
            DenseNetOptions options;
            set(options.num_classes, given.num_classes);
            set(options.drop_rate, given.dropout);
            return make(options);
          }};
}

// The published files are older than PyTorch's rule that names have no dots: "denselayer1.norm.1.weight".
void adapt_names(Module&, StateDict& state) {
  state = rename(state, "(denselayer\\d+\\.(?:norm|relu|conv))\\.([12]\\.)", "$1$2");
}

}  // namespace

Family families::densenet() {
  return {.type = "DenseNet",
          .heads = {"classifier"},
          .options = {"dropout"},
          .builders = {named("densenet121", densenet121), named("densenet161", densenet161),
                       named("densenet169", densenet169), named("densenet201", densenet201)},
          .adapt = adapt_names};
}

}  // namespace kiln::nn::models
