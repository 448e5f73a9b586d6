#include <doctest/doctest.h>

#include <fstream>

#include <kiln/kiln.h>

// The expected texts are PyTorch's: reprs.txt, written by make_reprs.py.

using namespace kiln;

namespace {

struct Block : nn::Module {
  nn::Linear fc1{4, 4};
  nn::ReLU act;
  NN_MEMBERS(fc1, act)
  Tensor forward(const Tensor& x) { return act(fc1(x)); }
};

struct Net : nn::Module {
  nn::Conv2d conv1{1, 32, 3, {.padding = 1}};
  nn::Sequential layers{Block(), nn::Identity()};
  nn::ModuleList list{nn::Linear(2, 3)};
  nn::Sequential empty;
  NN_MEMBERS(conv1, layers, list, empty)
  Tensor forward(const Tensor& x) { return x; }
};

}  // namespace

TEST_CASE("modules print as in PyTorch") {
  using namespace kiln::nn;
  const std::vector<AnyModule> modules = {
      Linear(3, 4),
      Linear(3, 4, {.bias = false}),
      Conv2d(1, 32, 3, {.padding = 1}),
      Conv2d(3, 8, {3, 5}, {.stride = 2, .padding = {1, 2}, .bias = false}),
      Conv2d(4, 8, 3,
             {.padding = "same", .dilation = {2, 1}, .groups = 4, .padding_mode = PaddingMode::circular}),
      Conv2d(4, 8, 3, {.padding_mode = PaddingMode::reflect}),
      MaxPool2d(2),
      MaxPool2d({3, 2}, {.stride = 2, .padding = 1, .ceil_mode = true}),
      AvgPool2d(3, {.stride = 2, .padding = 1}),
      AdaptiveAvgPool2d({1, 1}),
      AdaptiveAvgPool2d({6, 7}),
      BatchNorm1d(5),
      BatchNorm2d(64, {.eps = 1e-3, .momentum = {}, .affine = false, .track_running_stats = false}),
      BatchNorm2d(64, {.eps = 1e-12, .momentum = 1}),
      LayerNorm(8),
      LayerNorm({3, 4}, {.eps = 1e-6, .elementwise_affine = false}),
      Dropout(),
      Dropout(0.25),
      ReLU(),
      ReLU({.inplace = true}),
      LeakyReLU(),
      LeakyReLU(0.2),
      GELU(),
      GELU(GeluApproximation::tanh),
      SiLU(),
      Sigmoid(),
      Tanh(),
      Softmax(1),
      LogSoftmax(-1),
      Flatten(),
      Flatten(0, 2),
      Identity(),
      ReLU6({.inplace = true}),
      Hardswish({.inplace = true}),
      Hardsigmoid(),
      SiLU({.inplace = true}),
      Dropout(0.2, {.inplace = true}),
      StochasticDepth(0.4),
      StochasticDepth(1, StochasticDepthMode::batch),
      LayerNorm2d(96, {.eps = 1e-6}),
      Permute({0, 2, 3, 1}),
      ChannelShuffle(2),
      SqueezeExcitation(6, 4, SiLU({.inplace = true})),
      Conv2dNormActivation(3, 4),
      MLP(4, {6, 3}, {.activation_layer = ReLU({.inplace = true}), .inplace = true, .dropout = 0.1}),
      MultiheadAttention(8, 2),
      Upsample({.scale_factor = 2}),
      Upsample({.size = Pair(3, 4), .mode = InterpolateMode::bicubic}),
      CrossEntropyLoss(),
      BCEWithLogitsLoss(),
      Net(),
  };
  std::ifstream file("tests/nn/reprs.txt");
  size_t count = 0;
  std::string text;
  for (std::string line; std::getline(file, line);) {
    if (line != "--") {
      text += (text.empty() ? "" : "\n") + line;
      continue;
    }
    REQUIRE(count < modules.size());
    CHECK(to_string(modules[count++].module()) == text);
    text.clear();
  }
  CHECK(count == modules.size());
}
