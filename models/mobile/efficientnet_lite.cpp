#include <kiln/models/mobile/efficientnet_lite.h>

#include <cmath>

#include <kiln/models/divisible.h>
#include <kiln/models/family.h>
#include <kiln/tensor/base/saturate.h>

namespace kiln::nn::models {

namespace {

constexpr BatchNormLayerOptions kNorm{.eps = 1e-3, .momentum = 0.01};
constexpr int64_t kStem = 32, kHead = 1280;

struct Stage {
  EfficientNetLiteBlock block;
  int64_t repeats;
};
constexpr Stage kStages[] = {{{3, 1, 1, 32, 16}, 1},  {{3, 2, 6, 16, 24}, 2},  {{5, 2, 6, 24, 40}, 2},
                             {{3, 2, 6, 40, 80}, 3},  {{5, 1, 6, 80, 112}, 3}, {{5, 2, 6, 112, 192}, 4},
                             {{3, 1, 6, 192, 320}, 1}};

// The blocks of a network; the stem, and with it the first block's input, keeps its width, and the first and
// the last stage keep their depth.
std::vector<EfficientNetLiteBlock> scaled_blocks(double width, double depth) {
  const auto scaled = [&](int64_t channels) { return make_divisible(double(channels) * width, 8); };
  std::vector<EfficientNetLiteBlock> blocks;
  for (const Stage& stage : kStages) {
    const bool fixed = &stage == std::begin(kStages) || &stage == std::end(kStages) - 1;
    EfficientNetLiteBlock block = stage.block;
    block.input_channels = blocks.empty() ? kStem : scaled(block.input_channels);
    block.out_channels = scaled(block.out_channels);
    const int64_t repeats = fixed ? stage.repeats : saturate_cast(std::ceil(double(stage.repeats) * depth));
    for (int64_t i = 0; i < repeats; ++i) {
      blocks.push_back(block);
      block.input_channels = block.out_channels;
      block.stride = 1;
    }
  }
  return blocks;
}

int64_t missing(int64_t size, int64_t kernel, int64_t stride) {
  const int64_t outputs = add_sat(size, stride - 1) / stride;
  return std::max<int64_t>(add_sat((outputs - 1) * stride - size, kernel), 0);
}

// In one pass, where no hook wants to see the activation.
Tensor activated(const BatchNorm2d& norm, const ReLU6& activation, const Tensor& x) {
  return activation.has_hooks() ? activation(norm(x)) : norm.relu6(x);
}

}  // namespace

Conv2dSamePadding::Conv2dSamePadding(int64_t in_channels, int64_t out_channels, int64_t kernel_size,
                                     int64_t stride, int64_t groups)
    : Conv2d(in_channels, out_channels, kernel_size, {.stride = stride, .groups = groups, .bias = false}) {}

Tensor Conv2dSamePadding::forward(const Tensor& x) const {
  const Conv2dOptions plain{.stride = options().stride, .groups = options().groups};
  if (x.dim() != 4) return conv2d(x, weight, bias, plain);  // says what is wrong
  const int64_t height = missing(x.size(2), kernel_size().h, plain.stride.h);
  const int64_t width = missing(x.size(3), kernel_size().w, plain.stride.w);
  if (height % 2 != 0 || width % 2 != 0) {
    const int64_t top = height / 2, left = width / 2;
    return conv2d(pad2d(x, left, width - left, top, height - top), weight, bias, plain);
  }
  Conv2dOptions even = plain;
  even.padding = {height / 2, width / 2};
  return conv2d(x, weight, bias, even);
}

MBConvBlock::MBConvBlock(const EfficientNetLiteBlock& block, double drop_connect_rate)
    : _depthwise_conv(mul_sat(block.input_channels, block.expand_ratio),
                      mul_sat(block.input_channels, block.expand_ratio), block.kernel, block.stride,
                      mul_sat(block.input_channels, block.expand_ratio)),
      _bn1(mul_sat(block.input_channels, block.expand_ratio), kNorm),
      _project_conv(mul_sat(block.input_channels, block.expand_ratio), block.out_channels, 1),
      _bn2(block.out_channels, kNorm),
      _drop_connect(drop_connect_rate),
      adds_input_(block.stride == 1 && block.input_channels == block.out_channels) {
  if (block.expand_ratio == 1) return;
  _expand_conv.emplace(block.input_channels, mul_sat(block.input_channels, block.expand_ratio), 1);
  _bn0.emplace(mul_sat(block.input_channels, block.expand_ratio), kNorm);
}

Tensor MBConvBlock::forward(const Tensor& x) const {
  Tensor y = x;
  if (_expand_conv) y = activated(*_bn0, _swish, (*_expand_conv)(y));
  y = _bn2(_project_conv(activated(_bn1, _swish, _depthwise_conv(y))));
  return adds_input_ ? _drop_connect(y) + x : y;
}

EfficientNetLite::EfficientNetLite(double width, double depth, double dropout,
                                   const EfficientNetLiteOptions& options)
    : _conv_stem(3, kStem, 3, 2),
      _bn0(kStem, kNorm),
      _conv_head(make_divisible(double(std::end(kStages)[-1].block.out_channels) * width, 8), kHead, 1),
      _bn1(kHead, kNorm),
      _dropout(options.dropout.value_or(dropout)),
      _fc(Linear(kHead, options.num_classes)) {
  const std::vector<EfficientNetLiteBlock> blocks = scaled_blocks(width, depth);
  for (size_t i = 0; i < blocks.size(); ++i)
    _blocks->push_back(MBConvBlock(blocks[i], options.drop_connect_rate * double(i) / double(blocks.size())));
}

Tensor EfficientNetLite::forward(const Tensor& x) const {
  Tensor y = activated(_bn0, _swish, _conv_stem(x));
  for (const AnyModule& block : *_blocks) y = block(y);
  y = activated(_bn1, _swish, _conv_head(y));
  return _fc(_dropout(flatten(_avg_pooling(y), 1)));
}

EfficientNetLite efficientnet_lite0(const EfficientNetLiteOptions& options) {
  return EfficientNetLite(1.0, 1.0, 0.2, options);
}
EfficientNetLite efficientnet_lite1(const EfficientNetLiteOptions& options) {
  return EfficientNetLite(1.0, 1.1, 0.2, options);
}
EfficientNetLite efficientnet_lite2(const EfficientNetLiteOptions& options) {
  return EfficientNetLite(1.1, 1.2, 0.3, options);
}
EfficientNetLite efficientnet_lite3(const EfficientNetLiteOptions& options) {
  return EfficientNetLite(1.2, 1.4, 0.3, options);
}
EfficientNetLite efficientnet_lite4(const EfficientNetLiteOptions& options) {
  return EfficientNetLite(1.4, 1.8, 0.3, options);
}

namespace {

// TensorFlow's, which trained the published weights: (x - 127) / 128 of bytes.
image::Preset preset(int64_t size) {
  constexpr float kMean = 127.0f / 255, kStd = 128.0f / 255;
  return {.resize = size + 32,
          .crop = size,
          .interpolation = image::Interpolation::bicubic,
          .mean = {kMean, kMean, kMean},
          .std = {kStd, kStd, kStd}};
}

Builder named(const char* name, EfficientNetLite (*make)(const EfficientNetLiteOptions&), int64_t size) {
  return {.name = name,
          .make =
              [make](const ModelOptions& given) {
                EfficientNetLiteOptions options;
                set(options.num_classes, given.num_classes);
                options.dropout = given.dropout;
                set(options.drop_connect_rate, given.stochastic_depth_prob);
                return make(options);
              },
          .preset = preset(size)};
}

}  // namespace

Family families::efficientnet_lite() {
  return {.type = "EfficientNetLite",
          .heads = {"_fc"},
          .options = {"dropout", "stochastic_depth_prob"},
          .builders = {named("efficientnet_lite0", efficientnet_lite0, 224),
                       named("efficientnet_lite1", efficientnet_lite1, 240),
                       named("efficientnet_lite2", efficientnet_lite2, 260),
                       named("efficientnet_lite3", efficientnet_lite3, 280),
                       named("efficientnet_lite4", efficientnet_lite4, 300)}};
}

}  // namespace kiln::nn::models
