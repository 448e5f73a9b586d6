#include <kiln/models/attention/maxvit.h>
#include <kiln/models/attention/relative_position.h>
#include <kiln/models/attention/swin_transformer.h>
#include <kiln/models/attention/vision_transformer.h>
#include <kiln/models/classic/alexnet.h>
#include <kiln/models/classic/basic_conv2d.h>
#include <kiln/models/classic/googlenet.h>
#include <kiln/models/classic/inception.h>
#include <kiln/models/classic/lenet.h>
#include <kiln/models/classic/squeezenet.h>
#include <kiln/models/classic/vgg.h>
#include <kiln/models/mobile/efficientnet.h>
#include <kiln/models/mobile/efficientnet_lite.h>
#include <kiln/models/mobile/mnasnet.h>
#include <kiln/models/mobile/mobilenet_v2.h>
#include <kiln/models/mobile/mobilenet_v3.h>
#include <kiln/models/mobile/shufflenet.h>
#include <kiln/models/residual/convnext.h>
#include <kiln/models/residual/densenet.h>
#include <kiln/models/residual/regnet.h>
#include <kiln/models/residual/resnet.h>

#include <cmath>

#include "rows.h"

// The parts of the published networks, and the networks whose options hold sizes.

namespace kiln::walk {
namespace {

using namespace nn::models;  // NOLINT(google-build-using-namespace): all of this file

Rows residual_blocks() {
  return {
      sizes("BasicBlock", 4, [](int64_t n) { BasicBlock(n, n, 1); }),
      sizes("BasicBlock stride", 2, [](int64_t n) { BasicBlock(4, 4, n); }),
      sizes("Bottleneck", 4, [](int64_t n) { Bottleneck(4, n, 1); }),
      sizes("Bottleneck stride", 2, [](int64_t n) { Bottleneck(4, 4, n); }),
      sizes("Bottleneck groups", 2, [](int64_t n) { Bottleneck(4, 4, 1, n); }),
      sizes("Bottleneck width", 64, [](int64_t n) { Bottleneck(4, 4, 1, 1, n); }),
      sizes("CNBlock", 4, [](int64_t n) { CNBlock(n, 1e-6, 0); }),
      sizes("DenseLayer", 4, [](int64_t n) { DenseLayer(n, {}); }),
      sizes("DenseLayer growth", 4, [](int64_t n) { DenseLayer(4, {.growth_rate = n}); }),
      sizes("DenseLayer bn_size", 4, [](int64_t n) { DenseLayer(4, {.bn_size = n}); }),
      sizes("DenseBlock", 4, [](int64_t n) { DenseBlock(2, n, {}); }),
      sizes("DenseBlock layers", 2,
            [](int64_t n) {
              if (n <= 2) DenseBlock(n, 4, {});
            }),
  };
}

Rows classic_blocks() {
  return {
      sizes("Fire", 4, [](int64_t n) { Fire(n, n, n); }),
      sizes("Inception", 4,
            [](int64_t n) {
              Inception(4, {n, n, n, n, n, n});
            }),
      sizes("GoogLeNet's InceptionAux", 4, [](int64_t n) { InceptionAux(n, n, 0.5); }),
      sizes("InceptionA", 4, [](int64_t n) { inception_v3_parts::InceptionA(n, n); }),
      sizes("InceptionC", 4, [](int64_t n) { inception_v3_parts::InceptionC(4, n); }),
      sizes("InceptionE", 4, [](int64_t n) { const inception_v3_parts::InceptionE made(n); }),
      sizes("BasicConv2d", 3, [](int64_t n) { BasicConv2d(3, 4, n); }),
  };
}

Rows efficientnet_blocks() {
  return {
      sizes("Conv2dSamePadding", 3, [](int64_t n) { Conv2dSamePadding(3, 4, n); }),
      sizes("Conv2dSamePadding call", 2,
            [x = values({1, 3, 5, 5})](int64_t n) { Conv2dSamePadding(3, 4, 3, n)(x); }),
      sizes("MBConvBlock", 3,
            [](int64_t n) {
              MBConvBlock({n, 1, 2, 4, 4}, 0);
            }),
      sizes("MBConvBlock expand", 3,
            [](int64_t n) {
              MBConvBlock({3, 1, n, 4, 4}, 0);
            }),
      sizes("MBConvBlock channels", 4,
            [](int64_t n) {
              MBConvBlock({3, 1, 2, n, n}, 0);
            }),
      sizes("MBConv", 3,
            [](int64_t n) {
              MBConv({2, n, 1, 8, 8, 1}, 0, {});
            }),
      sizes("MBConv expand", 2,
            [](int64_t n) {
              MBConv({n, 3, 1, 8, 8, 1}, 0, {});
            }),
      sizes("MBConv channels", 8,
            [](int64_t n) {
              MBConv({2, 3, 1, n, n, 1}, 0, {});
            }),
      sizes("FusedMBConv", 3,
            [](int64_t n) {
              FusedMBConv({2, n, 1, 8, 8, 1}, 0, {});
            }),
      sizes("FusedMBConv expand", 2,
            [](int64_t n) {
              FusedMBConv({n, 3, 1, 8, 8, 1}, 0, {});
            }),
  };
}

Rows mobile_blocks() {
  return {
      sizes("MNASNet's InvertedResidual", 3,
            [](int64_t n) { mnasnet_parts::InvertedResidual(4, 4, n, 1, 2); }),
      sizes("MNASNet's InvertedResidual, expansion", 2,
            [](int64_t n) { mnasnet_parts::InvertedResidual(4, 4, 3, 1, n); }),
      sizes("MobileNetV2's InvertedResidual", 2,
            [](int64_t n) { mobilenetv2::InvertedResidual(4, 4, 1, n); }),
      sizes("MobileNetV2's InvertedResidual, in", 4,
            [](int64_t n) { mobilenetv2::InvertedResidual(n, n, 1, 6); }),
      sizes("MobileNetV3's InvertedResidual", 8,
            [](int64_t n) {
              mobilenetv3::InvertedResidual({8, 3, n, 8, true, true, 1});
            }),
      sizes("MobileNetV3's InvertedResidual, kernel", 3,
            [](int64_t n) {
              mobilenetv3::InvertedResidual({8, n, 8, 8, true, true, 1});
            }),
      sizes("ShuffleNet's InvertedResidual", 4,
            [](int64_t n) { shufflenet_parts::InvertedResidual(n, n, 1); }),
      sizes("ShuffleNet's InvertedResidual, stride", 2,
            [](int64_t n) { shufflenet_parts::InvertedResidual(4, 4, n); }),
      sizes("ResBottleneckBlock", 8, [](int64_t n) { ResBottleneckBlock(n, n, 1, 4, 0.25); }),
      sizes("ResBottleneckBlock group", 4, [](int64_t n) { ResBottleneckBlock(8, 8, 1, n, 0.25); }),
  };
}

Rows attention_blocks() {
  return {
      sizes("SwinTransformerBlock", 4,
            [](int64_t n) {
              SwinTransformerBlock(n, {2, 0, 2});
            }),
      sizes("SwinTransformerBlockV2", 4,
            [](int64_t n) {
              SwinTransformerBlockV2(n, {2, 0, 2});
            }),
      sizes("PatchMerging", 4, [](int64_t n) { const PatchMerging made(n); }),
      sizes("PatchMergingV2", 4, [](int64_t n) { const PatchMergingV2 made(n); }),
      sizes("maxvit::MBConv", 4, [](int64_t n) { maxvit::MBConv(n, n, 1, 0); }),
      sizes("maxvit's attention", 4,
            [](int64_t n) { maxvit::RelativePositionalMultiHeadAttention(n, 2, 2); }),
      sizes("maxvit's attention, side", 2,
            [](int64_t n) { maxvit::RelativePositionalMultiHeadAttention(4, 2, n); }),
      sizes("MLPBlock", 4, [](int64_t n) { MLPBlock(n, n, 0); }),
      sizes("EncoderBlock", 2, [](int64_t n) { EncoderBlock(n, 4, 8, 0, 0); }),
      sizes("EncoderBlock mlp", 8, [](int64_t n) { EncoderBlock(2, 4, n, 0, 0); }),
  };
}

// The ends of double, for widths that are scaled.
Subject factors(const char* name, double good, const std::function<void(double)>& make) {
  Subject row = without_gradient({name, {}, [make, good](const Tensors&) {
                                    make(good);
                                    return Tensors{};
                                  }});
  for (const double x : {1e300, -1e300, 1e15, -1.0, 0.0, HUGE_VAL, double(NAN)})
    row.ends.emplace_back([make, x](const Tensors&) { make(x); });
  return row;
}

Rows residual_networks() {
  return {
      sizes("ResNet groups", 2,
            [](int64_t n) {
              ResNet(ResNet::Block::bottleneck, {1, 1, 1, 1}, {.groups = n});
            }),
      sizes("ResNet width", 64,
            [](int64_t n) {
              ResNet(ResNet::Block::bottleneck, {1, 1, 1, 1}, {.width_per_group = n});
            }),
      sizes("ResNet classes", 10,
            [](int64_t n) {
              ResNet(ResNet::Block::basic, {1, 1, 1, 1}, {.num_classes = n});
            }),
      sizes("LeNet", 10, [](int64_t n) { const LeNet made(n); }),
      sizes("SqueezeNet", 10, [](int64_t n) { squeezenet1_1({.num_classes = n}); }),
      sizes("DenseNet growth", 8,
            [](int64_t n) {
              DenseNet({1, 1}, {.growth_rate = n});
            }),
      sizes("DenseNet features", 8,
            [](int64_t n) {
              DenseNet({1, 1}, {.num_init_features = n});
            }),
      sizes("DenseNet classes", 8,
            [](int64_t n) {
              DenseNet({1, 1}, {.num_classes = n});
            }),
  };
}

Rows mobile_networks() {
  return {
      sizes("ConvNeXt", 8,
            [](int64_t n) {
              ConvNeXt({{n, n}, {1, 1}, 0});
            }),
      sizes("EfficientNet last", 8,
            [](int64_t n) {
              EfficientNet({{{2, 3, 1, 8, 8, 1}}, 0, n, {}});
            }),
      sizes("EfficientNet", 8,
            [](int64_t n) {
              EfficientNet({{{2, 3, 1, n, n, 1}}, 0, {}, {}});
            }),
      sizes("MobileNetV3", 8,
            [](int64_t n) {
              MobileNetV3({{8, 3, 8, n, true, true, 1}}, n);
            }),
      sizes("RegNet w_0", 24,
            [](int64_t n) {
              RegNet({2, n, 36, 2.5, 8});
            }),
      sizes("RegNet group", 8,
            [](int64_t n) {
              RegNet({2, 24, 36, 2.5, n});
            }),
      sizes("RegNet depth", 2,
            [](int64_t n) {
              if (n <= 2) RegNet({n, 24, 36, 2.5, 8});  // many blocks take their time, by right
            }),
  };
}

Rows attention_networks() {
  return {
      sizes("SwinTransformer", 4,
            [](int64_t n) {
              SwinTransformer({SwinVersion::v1, n, {1}, {2}, 2, 0});
            }),
      sizes("SwinTransformer window", 2,
            [](int64_t n) {
              SwinTransformer({SwinVersion::v1, 4, {1}, {2}, n, 0});
            }),
      sizes("SwinTransformer v2 window", 2,
            [](int64_t n) {
              SwinTransformer({SwinVersion::v2, 4, {1}, {2}, n, 0});
            }),
      sizes("VisionTransformer patch", 4,
            [](int64_t n) {
              VisionTransformer({n, 1, 2, 4, 8}, {.image_size = 8});
            }),
      sizes("VisionTransformer image", 8,
            [](int64_t n) {
              VisionTransformer({4, 1, 2, 4, 8}, {.image_size = n});
            }),
      sizes("VisionTransformer hidden", 4,
            [](int64_t n) {
              VisionTransformer({4, 1, 2, n, 8}, {.image_size = 8});
            }),
      sizes("MaxVit image", 64,
            [](int64_t n) {
              MaxVit({4, {4}, {1}, 2, 0, 2}, {.image_size = n});
            }),
      sizes("MaxVit partition", 2,
            [](int64_t n) {
              MaxVit({4, {4}, {1}, 2, 0, n}, {.image_size = 64});
            }),
      sizes("MaxVit stem", 4,
            [](int64_t n) {
              MaxVit({n, {4}, {1}, 2, 0, 2}, {.image_size = 64});
            }),
  };
}

Rows scaled_networks() {
  return {
      factors("MNASNet alpha", 0.5, [](double x) { const MNASNet made(x); }),
      factors("MobileNetV2 width_mult", 0.5, [](double x) { MobileNetV2({.width_mult = x}); }),
      factors("EfficientNetLite width", 0.5, [](double x) { EfficientNetLite(x, 1, 0); }),
      factors("EfficientNetLite depth", 0.5,
              [](double x) {
                if (!(x > 1e9)) EfficientNetLite(0.1, x, 0);
              }),
      factors("RegNet w_a", 36,
              [](double x) {
                RegNet({2, 24, x, 2.5, 8});
              }),
      factors("RegNet w_m", 2.5,
              [](double x) {
                RegNet({2, 24, 36, x, 8});
              }),
      factors("RegNet se_ratio", 0.5,
              [](double x) {
                RegNet({2, 24, 36, 2.5, 8, x});
              }),
  };
}

}  // namespace

Rows block_rows() {
  Rows all;
  for (const auto rows :
       {residual_blocks, classic_blocks, efficientnet_blocks, mobile_blocks, attention_blocks,
        residual_networks, mobile_networks, attention_networks, scaled_networks})
    for (const Subject& row : rows()) all.push_back(row);
  return all;
}

}  // namespace kiln::walk
