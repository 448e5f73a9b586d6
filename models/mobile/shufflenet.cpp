#include <kiln/models/mobile/shufflenet.h>

#include <kiln/models/family.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn::models {

namespace {

Conv2d pointwise(int64_t in, int64_t out) { return Conv2d(in, out, 1, {.bias = false}); }

Conv2d depthwise(int64_t channels, int64_t stride) {
  return Conv2d(channels, channels, 3, {.stride = stride, .padding = 1, .groups = channels, .bias = false});
}

Sequential make_branch1(int64_t in, int64_t out, int64_t stride) {
  if (stride == 1) return Sequential();
  return Sequential(depthwise(in, stride), BatchNorm2d(in), pointwise(in, out), BatchNorm2d(out),
                    ReLU({.inplace = true}));
}

Sequential make_branch2(int64_t in, int64_t out, int64_t stride) {
  return Sequential(pointwise(in, out), BatchNorm2d(out), ReLU({.inplace = true}), depthwise(out, stride),
                    BatchNorm2d(out), pointwise(out, out), BatchNorm2d(out), ReLU({.inplace = true}));
}

Sequential make_stage(int64_t in, int64_t out, int64_t repeats) {
  Sequential stage;
  for (int64_t i = 0; i < repeats; ++i)
    stage.push_back(shufflenet_parts::InvertedResidual(i == 0 ? in : out, out, i == 0 ? 2 : 1));
  return stage;
}

constexpr int64_t kRepeats[] = {4, 8, 4};

}  // namespace

shufflenet_parts::InvertedResidual::InvertedResidual(int64_t in_channels, int64_t out_channels,
                                                     int64_t stride)
    : branch1(make_branch1(in_channels, out_channels / 2, stride)),
      branch2(make_branch2(stride == 1 ? out_channels / 2 : in_channels, out_channels / 2, stride)) {}

Tensor shufflenet_parts::InvertedResidual::forward(const Tensor& x) const {
  if (!branch1.empty()) return channel_shuffle(cat({branch1(x), branch2(x)}, 1), 2);
  const Tensors halves = chunk(x, 2, 1);
  return channel_shuffle(cat({halves[0], branch2(halves[1])}, 1), 2);
}

ShuffleNetV2::ShuffleNetV2(const Dims& channels, const ShuffleNetV2Options& options)
    : conv1(Sequential()),
      stage2(Sequential()),
      stage3(Sequential()),
      stage4(Sequential()),
      conv5(Sequential()),
      fc(Linear(channels.rank() == 5 ? channels[4] : 1, options.num_classes)) {
  if (channels.rank() != 5) fail("ShuffleNetV2: needs the channels of five stages, got {}", channels);
  conv1 = Sequential(Conv2d(3, channels[0], 3, {.stride = 2, .padding = 1, .bias = false}),
                     BatchNorm2d(channels[0]), ReLU({.inplace = true}));
  stage2 = make_stage(channels[0], channels[1], kRepeats[0]);
  stage3 = make_stage(channels[1], channels[2], kRepeats[1]);
  stage4 = make_stage(channels[2], channels[3], kRepeats[2]);
  conv5 = Sequential(pointwise(channels[3], channels[4]), BatchNorm2d(channels[4]), ReLU({.inplace = true}));
}

Tensor ShuffleNetV2::forward(const Tensor& x) const {
  const Tensor y = conv5(stage4(stage3(stage2(maxpool(conv1(x))))));
  return fc(mean(y, {2, 3}));
}

ShuffleNetV2 shufflenet_v2_x0_5(const ShuffleNetV2Options& options) {
  return ShuffleNetV2({24, 48, 96, 192, 1024}, options);
}
ShuffleNetV2 shufflenet_v2_x1_0(const ShuffleNetV2Options& options) {
  return ShuffleNetV2({24, 116, 232, 464, 1024}, options);
}
ShuffleNetV2 shufflenet_v2_x1_5(const ShuffleNetV2Options& options) {
  return ShuffleNetV2({24, 176, 352, 704, 1024}, options);
}
ShuffleNetV2 shufflenet_v2_x2_0(const ShuffleNetV2Options& options) {
  return ShuffleNetV2({24, 244, 488, 976, 2048}, options);
}

namespace {

Builder named(const char* name, ShuffleNetV2 (*make)(const ShuffleNetV2Options&)) {
  return {name, [make](const ModelOptions& given) {
            ShuffleNetV2Options options;
            set(options.num_classes, given.num_classes);
            return make(options);
          }};
}

}  // namespace

Family families::shufflenet_v2() {
  return {.type = "ShuffleNetV2",
          .heads = {"fc"},
          .builders = {named("shufflenet_v2_x0_5", shufflenet_v2_x0_5),
                       named("shufflenet_v2_x1_0", shufflenet_v2_x1_0),
                       named("shufflenet_v2_x1_5", shufflenet_v2_x1_5),
                       named("shufflenet_v2_x2_0", shufflenet_v2_x2_0)}};
}

}  // namespace kiln::nn::models
