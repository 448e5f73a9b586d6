#include <kiln/models/residual/resnet.h>

#include <kiln/models/family.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn::models {

namespace {

Conv2d conv3x3(int64_t in, int64_t out, int64_t stride = 1) {
  return Conv2d(in, out, 3, {.stride = stride, .padding = 1, .bias = false});
}

Conv2d conv1x1(int64_t in, int64_t out, int64_t stride = 1) {
  return Conv2d(in, out, 1, {.stride = stride, .bias = false});
}

// Brings x to the shape of the block's result; nothing where it has that shape.
std::optional<Sequential> make_downsample(int64_t in, int64_t out, int64_t stride) {
  if (stride == 1 && in == out) return std::nullopt;
  return Sequential(conv1x1(in, out, stride), BatchNorm2d(out));
}

template <class Block>
Sequential make_layer(int64_t in_planes, int64_t planes, int64_t blocks, int64_t stride) {
  Sequential layer;
  for (int64_t i = 0; i < blocks; ++i)
    layer.push_back(i == 0 ? Block(in_planes, planes, stride) : Block(planes * Block::kExpansion, planes, 1));
  return layer;
}

template <class Block>
void make_layers(ResNet& net, const Dims& depths) {
  constexpr int64_t kOut = Block::kExpansion;
  net.layer1 = make_layer<Block>(64, 64, depths[0], 1);
  net.layer2 = make_layer<Block>(64 * kOut, 128, depths[1], 2);
  net.layer3 = make_layer<Block>(128 * kOut, 256, depths[2], 2);
  net.layer4 = make_layer<Block>(256 * kOut, 512, depths[3], 2);
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

Bottleneck::Bottleneck(int64_t in_planes, int64_t planes, int64_t stride)
    : conv1(conv1x1(in_planes, planes)),
      bn1(planes),
      conv2(conv3x3(planes, planes, stride)),
      bn2(planes),
      conv3(conv1x1(planes, planes * kExpansion)),
      bn3(planes * kExpansion),
      downsample(make_downsample(in_planes, planes * kExpansion, stride)) {}

Tensor Bottleneck::forward(const Tensor& x) const {
  const Tensor shortcut = downsample ? (*downsample)(x) : x;
  return bn3.add_relu(conv3(bn2.relu(conv2(bn1.relu(conv1(x))))), shortcut);
}

ResNet::ResNet(Block block, const Dims& depths, const ResNetOptions& options)
    : layer1(Sequential()),
      layer2(Sequential()),
      layer3(Sequential()),
      layer4(Sequential()),
      fc(Linear(512 * (block == Block::basic ? BasicBlock::kExpansion : Bottleneck::kExpansion),
                options.num_classes)) {
  if (depths.rank() != 4) fail("ResNet: needs the depths of four layers, got {}", depths);
  if (block == Block::basic)
    make_layers<BasicBlock>(*this, depths);
  else
    make_layers<Bottleneck>(*this, depths);
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

ResNet resnet18(const ResNetOptions& options) { return ResNet(ResNet::Block::basic, {2, 2, 2, 2}, options); }
ResNet resnet34(const ResNetOptions& options) { return ResNet(ResNet::Block::basic, {3, 4, 6, 3}, options); }
ResNet resnet50(const ResNetOptions& options) {
  return ResNet(ResNet::Block::bottleneck, {3, 4, 6, 3}, options);
}

namespace {

Builder named(const char* name, ResNet (*make)(const ResNetOptions&)) {
  return {name, [make](const ModelOptions& given) {
            ResNetOptions options;
            options.num_classes = given.num_classes.value_or(options.num_classes);
            options.zero_init_residual = given.zero_init_residual.value_or(options.zero_init_residual);
            return make(options);
          }};
}

}  // namespace

Family families::resnet() {
  return {
      .type = "ResNet",
      .heads = {"fc"},
      .options = {"zero_init_residual"},
      .builders = {named("resnet18", resnet18), named("resnet34", resnet34), named("resnet50", resnet50)}};
}

}  // namespace kiln::nn::models
