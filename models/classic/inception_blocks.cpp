#include <kiln/models/classic/inception.h>

namespace kiln::nn::models::inception_v3_parts {

namespace {

constexpr Pair kHigh = {7, 1}, kWide = {1, 7};

BasicConv2d high(int64_t in, int64_t out) { return BasicConv2d(in, out, kHigh, {.padding = {3, 0}}); }
BasicConv2d wide(int64_t in, int64_t out) { return BasicConv2d(in, out, kWide, {.padding = {0, 3}}); }
BasicConv2d high3(int64_t in, int64_t out) { return BasicConv2d(in, out, {3, 1}, {.padding = {1, 0}}); }
BasicConv2d wide3(int64_t in, int64_t out) { return BasicConv2d(in, out, {1, 3}, {.padding = {0, 1}}); }

Tensor smooth(const Tensor& x) { return avg_pool2d(x, 3, {.stride = 1, .padding = 1}); }

}  // namespace

InceptionA::InceptionA(int64_t in_channels, int64_t pool_features)
    : branch1x1(in_channels, 64, 1),
      branch5x5_1(in_channels, 48, 1),
      branch5x5_2(48, 64, 5, {.padding = 2}),
      branch3x3dbl_1(in_channels, 64, 1),
      branch3x3dbl_2(64, 96, 3, {.padding = 1}),
      branch3x3dbl_3(96, 96, 3, {.padding = 1}),
      branch_pool(in_channels, pool_features, 1) {}

Tensor InceptionA::forward(const Tensor& x) const {
  return cat({branch1x1(x), branch5x5_2(branch5x5_1(x)), branch3x3dbl_3(branch3x3dbl_2(branch3x3dbl_1(x))),
              branch_pool(smooth(x))},
             1);
}

InceptionB::InceptionB(int64_t in_channels)
    : branch3x3(in_channels, 384, 3, {.stride = 2}),
      branch3x3dbl_1(in_channels, 64, 1),
      branch3x3dbl_2(64, 96, 3, {.padding = 1}),
      branch3x3dbl_3(96, 96, 3, {.stride = 2}) {}

Tensor InceptionB::forward(const Tensor& x) const {
  return cat(
      {branch3x3(x), branch3x3dbl_3(branch3x3dbl_2(branch3x3dbl_1(x))), max_pool2d(x, 3, {.stride = 2})}, 1);
}

InceptionC::InceptionC(int64_t in_channels, int64_t channels_7x7)
    : branch1x1(in_channels, 192, 1),
      branch7x7_1(in_channels, channels_7x7, 1),
      branch7x7_2(wide(channels_7x7, channels_7x7)),
      branch7x7_3(high(channels_7x7, 192)),
      branch7x7dbl_1(in_channels, channels_7x7, 1),
      branch7x7dbl_2(high(channels_7x7, channels_7x7)),
      branch7x7dbl_3(wide(channels_7x7, channels_7x7)),
      branch7x7dbl_4(high(channels_7x7, channels_7x7)),
      branch7x7dbl_5(wide(channels_7x7, 192)),
      branch_pool(in_channels, 192, 1) {}

Tensor InceptionC::forward(const Tensor& x) const {
  Tensor y = branch7x7dbl_3(branch7x7dbl_2(branch7x7dbl_1(x)));
  y = branch7x7dbl_5(branch7x7dbl_4(y));
  return cat({branch1x1(x), branch7x7_3(branch7x7_2(branch7x7_1(x))), y, branch_pool(smooth(x))}, 1);
}

InceptionD::InceptionD(int64_t in_channels)
    : branch3x3_1(in_channels, 192, 1),
      branch3x3_2(192, 320, 3, {.stride = 2}),
      branch7x7x3_1(in_channels, 192, 1),
      branch7x7x3_2(wide(192, 192)),
      branch7x7x3_3(high(192, 192)),
      branch7x7x3_4(192, 192, 3, {.stride = 2}) {}

Tensor InceptionD::forward(const Tensor& x) const {
  const Tensor y = branch7x7x3_4(branch7x7x3_3(branch7x7x3_2(branch7x7x3_1(x))));
  return cat({branch3x3_2(branch3x3_1(x)), y, max_pool2d(x, 3, {.stride = 2})}, 1);
}

InceptionE::InceptionE(int64_t in_channels)
    : branch1x1(in_channels, 320, 1),
      branch3x3_1(in_channels, 384, 1),
      branch3x3_2a(wide3(384, 384)),
      branch3x3_2b(high3(384, 384)),
      branch3x3dbl_1(in_channels, 448, 1),
      branch3x3dbl_2(448, 384, 3, {.padding = 1}),
      branch3x3dbl_3a(wide3(384, 384)),
      branch3x3dbl_3b(high3(384, 384)),
      branch_pool(in_channels, 192, 1) {}

// One list of all parts: what would be concatenated first is copied once.
Tensor InceptionE::forward(const Tensor& x) const {
  const Tensor one = branch3x3_1(x), two = branch3x3dbl_2(branch3x3dbl_1(x));
  return cat({branch1x1(x), branch3x3_2a(one), branch3x3_2b(one), branch3x3dbl_3a(two), branch3x3dbl_3b(two),
              branch_pool(smooth(x))},
             1);
}

InceptionAux::InceptionAux(int64_t in_channels, int64_t num_classes)
    : conv0(in_channels, 128, 1), conv1(128, 768, 5), fc(Linear(768, num_classes)) {}

Tensor InceptionAux::forward(const Tensor& x) const {
  const Tensor y = conv1(conv0(avg_pool2d(x, 5, {.stride = 3})));
  return fc(flatten(adaptive_avg_pool2d(y, 1), 1));
}

}  // namespace kiln::nn::models::inception_v3_parts
