#include <kiln/models/residual/resnet.h>

#include <kiln/models/family.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/saturate.h>

namespace kiln::nn::models {

namespace {

Conv2d conv3x3(int64_t in, int64_t out, int64_t stride = 1, int64_t groups = 1) {
  return Conv2d(in, out, 3, {.stride = stride, .padding = 1, .groups = groups, .bias = false});
}

Conv2d conv1x1(int64_t in, int64_t out, int64_t stride = 1) {
  return Conv2d(in, out, 1, {.stride = stride, .bias = false});
}

// Brings x to the shape of the block's result; nothing where it has that shape.
std::optional<Sequential> make_downsample(int64_t in, int64_t out, int64_t stride) {
  if (stride == 1 && in == out) return std::nullopt;
  return Sequential(conv1x1(in, out, stride), BatchNorm2d(out));
}

int64_t expansion_of(ResNet::Block block) {
  return block == ResNet::Block::basic ? BasicBlock::kExpansion : Bottleneck::kExpansion;
}

Sequential make_layer(ResNet::Block block, int64_t in_planes, int64_t planes, int64_t blocks, int64_t stride,
                      const ResNetOptions& options) {
  Sequential layer;
  for (int64_t i = 0; i < blocks; ++i) {
    if (block == ResNet::Block::basic)
      layer.push_back(BasicBlock(in_planes, planes, stride));
    else
      layer.push_back(Bottleneck(in_planes, planes, stride, options.groups, options.width_per_group));
    in_planes = mul_sat(planes, expansion_of(block));
    stride = 1;
  }
  return layer;
}

int64_t width_of(int64_t planes, int64_t groups, int64_t width_per_group) {
  return mul_sat(mul_sat(planes, width_per_group) / 64, groups);
}

}  // namespace

BasicBlock::BasicBlock(int64_t in_planes, int64_t planes, int64_t stride)
    : conv1(conv3x3(in_planes, planes, stride)),
      bn1(planes),
      conv2(conv3x3(planes, planes)),
      bn2(planes),
      downsample(make_downsample(in_planes, planes, stride)) {}

Tensor BasicBlock::forward(const Tensor& x) const {
  const Tensor shortcut = downsample ? (*downsample)(x) : x;
  return bn2.add_relu(conv2(bn1.relu(conv1(x))), shortcut);
}

Bottleneck::Bottleneck(int64_t in_planes, int64_t planes, int64_t stride, int64_t groups,
                       int64_t width_per_group)
    : conv1(conv1x1(in_planes, width_of(planes, groups, width_per_group))),
      bn1(conv1.out_channels()),
      conv2(conv3x3(conv1.out_channels(), conv1.out_channels(), stride, groups)),
      bn2(conv1.out_channels()),
      conv3(conv1x1(conv1.out_channels(), mul_sat(planes, kExpansion))),
      bn3(mul_sat(planes, kExpansion)),
      downsample(make_downsample(in_planes, mul_sat(planes, kExpansion), stride)) {}

Tensor Bottleneck::forward(const Tensor& x) const {
  const Tensor shortcut = downsample ? (*downsample)(x) : x;
  return bn3.add_relu(conv3(bn2.relu(conv2(bn1.relu(conv1(x))))), shortcut);
}

ResNet::ResNet(Block block, const Dims& depths, const ResNetOptions& options)
    : layer1(Sequential()),
      layer2(Sequential()),
      layer3(Sequential()),
      layer4(Sequential()),
      fc(Linear(512 * expansion_of(block), options.num_classes)) {
  if (depths.rank() != 4) fail("ResNet: needs the depths of four layers, got {}", depths);
  if (block == Block::basic && (options.groups != 1 || options.width_per_group != 64))
    fail("ResNet: basic blocks have one group of width 64, got {} of {}", options.groups,
         options.width_per_group);
  const int64_t expansion = expansion_of(block);
  layer1 = make_layer(block, 64, 64, depths[0], 1, options);
  layer2 = make_layer(block, 64 * expansion, 128, depths[1], 2, options);
  layer3 = make_layer(block, 128 * expansion, 256, depths[2], 2, options);
  layer4 = make_layer(block, 256 * expansion, 512, depths[3], 2, options);
  apply([&](Module& module) {
    if (auto* conv = dynamic_cast<Conv2d*>(&module))
      init::kaiming_normal_(conv->weight,
                            {.mode = init::FanMode::fan_out, .nonlinearity = init::Nonlinearity::relu});
    if (!options.zero_init_residual) return;
    if (auto* basic = dynamic_cast<BasicBlock*>(&module)) init::zeros_(basic->bn2.weight);
    if (auto* bottleneck = dynamic_cast<Bottleneck*>(&module)) init::zeros_(bottleneck->bn3.weight);
  });
}

Tensor ResNet::forward(const Tensor& x) const {
  Tensor y = maxpool(bn1.relu(conv1(x)));
  y = layer4(layer3(layer2(layer1(y))));
  return fc(flatten(avgpool(y), 1));
}

namespace {

ResNet basic(const Dims& depths, const ResNetOptions& options) {
  return ResNet(ResNet::Block::basic, depths, options);
}

ResNet bottleneck(const Dims& depths, const ResNetOptions& options) {
  return ResNet(ResNet::Block::bottleneck, depths, options);
}

ResNet grouped(const Dims& depths, int64_t groups, int64_t width_per_group, ResNetOptions options) {
  options.groups = groups;
  options.width_per_group = width_per_group;
  return bottleneck(depths, options);
}

}  // namespace

ResNet resnet18(const ResNetOptions& options) { return basic({2, 2, 2, 2}, options); }
ResNet resnet34(const ResNetOptions& options) { return basic({3, 4, 6, 3}, options); }
ResNet resnet50(const ResNetOptions& options) { return bottleneck({3, 4, 6, 3}, options); }
ResNet resnet101(const ResNetOptions& options) { return bottleneck({3, 4, 23, 3}, options); }
ResNet resnet152(const ResNetOptions& options) { return bottleneck({3, 8, 36, 3}, options); }
ResNet resnext50_32x4d(const ResNetOptions& options) { return grouped({3, 4, 6, 3}, 32, 4, options); }
ResNet resnext101_32x8d(const ResNetOptions& options) { return grouped({3, 4, 23, 3}, 32, 8, options); }
ResNet resnext101_64x4d(const ResNetOptions& options) { return grouped({3, 4, 23, 3}, 64, 4, options); }
ResNet wide_resnet50_2(const ResNetOptions& options) { return grouped({3, 4, 6, 3}, 1, 128, options); }
ResNet wide_resnet101_2(const ResNetOptions& options) { return grouped({3, 4, 23, 3}, 1, 128, options); }

namespace {

Builder named(const char* name, ResNet (*make)(const ResNetOptions&)) {
  return {name, [make](const ModelOptions& given) {
            ResNetOptions options;
            set(options.num_classes, given.num_classes);
            set(options.zero_init_residual, given.zero_init_residual);
            return make(options);
          }};
}

}  // namespace

Family families::resnet() {
  return {.type = "ResNet",
          .heads = {"fc"},
          .options = {"zero_init_residual"},
          .builders = {named("resnet18", resnet18), named("resnet34", resnet34), named("resnet50", resnet50),
                       named("resnet101", resnet101), named("resnet152", resnet152),
                       named("resnext50_32x4d", resnext50_32x4d), named("resnext101_32x8d", resnext101_32x8d),
                       named("resnext101_64x4d", resnext101_64x4d), named("wide_resnet50_2", wide_resnet50_2),
                       named("wide_resnet101_2", wide_resnet101_2)}};
}

}  // namespace kiln::nn::models
