#include "rows.h"

namespace kiln::walk {
namespace {

// A layer as float64 cannot be cast with its input, so that its gradients in other types are those of ops.
const char* const kOps = "its ops are asked themselves";

template <class Layer>
Subject layer(const char* name, const Layer& net, const Tensor& x) {
  return without_gradient({name,
                           {x},
                           [net](const Tensors& in) {
                             Layer copy = net;  // NOLINT(performance-unnecessary-copy-initialization)
                             return Tensors{copy(in[0])};
                           }},
                          kOps);
}
template <class Loss>
Subject loss(const char* name, const Loss& net, const Tensor& x, const Tensor& t) {
  return without_gradient({name,
                           {x, t},
                           [net](const Tensors& in) {
                             Loss copy = net;  // NOLINT(performance-unnecessary-copy-initialization)
                             return Tensors{copy(in[0], in[1])};
                           }},
                          kOps);
}
template <class F>
Subject filled(const char* name, F f) {
  return without_gradient(one(name, [f](auto& x) {
    const NoGrad scope;
    const Tensor y = x.defined() ? x.clone() : x;
    f(y);
    return y;
  }));
}

Rows fills() {
  return {
      filled("init::uniform_", [](auto& x) { nn::init::uniform_(x); }),
      filled("init::normal_", [](auto& x) { nn::init::normal_(x); }),
      filled("init::trunc_normal_", [](auto& x) { nn::init::trunc_normal_(x); }),
      filled("init::constant_", [](auto& x) { nn::init::constant_(x, 1); }),
      filled("init::zeros_", [](auto& x) { nn::init::zeros_(x); }),
      filled("init::ones_", [](auto& x) { nn::init::ones_(x); }),
      filled("init::eye_", [](auto& x) { nn::init::eye_(x); }),
      filled("init::dirac_",
             [](auto& x) {
               nn::init::dirac_(x.reshape({1, 3, 4}));
             }),
      filled("init::xavier_uniform_", [](auto& x) { nn::init::xavier_uniform_(x); }),
      filled("init::xavier_normal_", [](auto& x) { nn::init::xavier_normal_(x); }),
      filled("init::kaiming_uniform_", [](auto& x) { nn::init::kaiming_uniform_(x); }),
      filled("init::kaiming_normal_", [](auto& x) { nn::init::kaiming_normal_(x); }),
      filled("init::orthogonal_", [](auto& x) { nn::init::orthogonal_(x); }),
  };
}

// What torchvision's networks are made of.
Rows blocks(const Tensor& image, const Tensor& rows) {
  return {
      layer("LayerNorm2d", nn::LayerNorm2d(3), image),
      layer("StochasticDepth", nn::StochasticDepth(0.5), image),
      layer("Permute", nn::Permute({0, 2, 3, 1}), image),
      with_ends(layer("ChannelShuffle", nn::ChannelShuffle(3), image), sized([image](int64_t n) {
                  nn::ChannelShuffle layer(n);
                  layer(image);
                })),
      with_ends(layer("SqueezeExcitation", nn::SqueezeExcitation(3, 2), image),
                sized([](int64_t n) { nn::SqueezeExcitation(n, n); })),
      with_ends(layer("Conv2dNormActivation", nn::Conv2dNormActivation(3, 4), image),
                sized([](int64_t n) { nn::Conv2dNormActivation(3, 4, n); })),
      with_ends(layer("MLP", nn::MLP(4, {5, 3}), rows), sized([](int64_t n) { nn::MLP(4, {n}); })),
      layer("Upsample", nn::Upsample({.scale_factor = 2}), image),
      {without_gradient({"MultiheadAttention",
                         {values({5, 2, 4})},
                         [net = nn::MultiheadAttention(4, 2)](const Tensors& in) {
                           return Tensors{net(in[0], in[0], in[0])};
                         }},
                        kOps)},
  };
}

}  // namespace

Rows layer_rows() {
  const Tensor image = values({2, 3, 4, 4}), rows = values({5, 4}), chance = values({4, 3}, 0.1, 0.9);
  const Tensor classes = positions({0, 2, 1, 2}, {4}), scores = values({4, 3});
  Rows all = {
      with_ends(layer("Linear", nn::Linear(4, 3), rows), sized([](int64_t n) { nn::Linear(n, n); })),
      with_ends(layer("Conv2d", nn::Conv2d(3, 4, 3), image), sized([](int64_t n) { nn::Conv2d(n, n, 3); })),
      with_ends(
          layer("Conv2d", nn::Conv2d(3, 4, 3, {.padding = 1, .padding_mode = PaddingMode::reflect}), image),
          sized([](int64_t n) { nn::Conv2d(3, 4, n); })),
      with_ends(layer("BatchNorm2d", nn::BatchNorm2d(3), image),
                sized([](int64_t n) { nn::BatchNorm2d layer(n); })),
      layer("BatchNorm1d", nn::BatchNorm1d(4), rows),
      with_ends(layer("LayerNorm", nn::LayerNorm(Shape{4}), rows), sized([](int64_t n) {
                  nn::LayerNorm layer(Shape{n, n});
                })),
      layer("Dropout", nn::Dropout(), rows),
      with_ends(layer("MaxPool2d", nn::MaxPool2d(2), image), sized([image](int64_t n) {
                  nn::MaxPool2d layer(n);
                  layer(image);
                })),
      with_ends(layer("AvgPool2d", nn::AvgPool2d(2), image), sized([image](int64_t n) {
                  nn::AvgPool2d layer(n);
                  layer(image);
                })),
      with_ends(layer("AdaptiveAvgPool2d", nn::AdaptiveAvgPool2d(1), image), sized([image](int64_t n) {
                  nn::AdaptiveAvgPool2d layer(n);
                  layer(image);
                })),
      layer("ReLU6", nn::ReLU6(), rows),
      layer("Hardswish", nn::Hardswish({.inplace = true}), rows),
      layer("Hardsigmoid", nn::Hardsigmoid(), rows),
      layer("ReLU", nn::ReLU(), rows),
      layer("LeakyReLU", nn::LeakyReLU(), rows),
      layer("GELU", nn::GELU(), rows),
      layer("SiLU", nn::SiLU(), rows),
      layer("Sigmoid", nn::Sigmoid(), rows),
      layer("Tanh", nn::Tanh(), rows),
      layer("Softmax", nn::Softmax(1), rows),
      layer("LogSoftmax", nn::LogSoftmax(1), rows),
      layer("Flatten", nn::Flatten(), image),
      layer("Identity", nn::Identity(), rows),
      layer("Sequential", nn::Sequential(nn::Linear(4, 3), nn::ReLU()), rows),
      loss("CrossEntropyLoss", nn::CrossEntropyLoss(), scores, classes),
      loss("NLLLoss", nn::NLLLoss(), scores, classes),
      loss("MSELoss", nn::MSELoss(), scores, chance),
      loss("L1Loss", nn::L1Loss(), scores, chance),
      loss("SmoothL1Loss", nn::SmoothL1Loss(), scores, chance),
      loss("BCELoss", nn::BCELoss(), chance, chance),
      loss("BCEWithLogitsLoss", nn::BCEWithLogitsLoss(), scores, chance),
  };
  for (const Rows& more : {blocks(image, rows), fills()}) all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace kiln::walk
