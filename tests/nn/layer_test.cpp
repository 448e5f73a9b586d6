#include <doctest/doctest.h>

#include "torch_modules.h"

using namespace kiln;
using test::sines;

namespace {

struct SelfAttention : nn::Module {
  nn::MultiheadAttention attention;
  NN_MEMBERS(attention)
  explicit SelfAttention(bool batch_first) : attention(6, 2, {.batch_first = batch_first}) {}
  Tensor forward(const Tensor& x) const { return attention(x, x, x); }
};

std::vector<test::Row> single_layers() {
  using namespace kiln::nn;
  return {
      {Linear(5, 3), {2, 4, 5}},
      {Linear(5, 3, {.bias = false}), {5}},
      {Conv2d(4, 6, 3), {2, 4, 7, 6}},
      {Conv2d(4, 6, {3, 2}, {.stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}, .groups = 2}),
       {2, 4, 7, 8}},
      {Conv2d(4, 6, 3, {.padding = "same"}), {2, 4, 7, 6}},
      {Conv2d(4, 6, {4, 2}, {.padding = "same", .dilation = {1, 3}, .bias = false}), {2, 4, 7, 6}},
      {Conv2d(4, 6, 3, {.padding = "valid"}), {2, 4, 7, 6}},
      {Conv2d(4, 6, 3, {.padding = {2, 1}, .padding_mode = PaddingMode::reflect}), {2, 4, 7, 6}},
      {Conv2d(4, 6, 3, {.stride = 2, .padding = 2, .padding_mode = PaddingMode::replicate}), {2, 4, 7, 6}},
      {Conv2d(4, 6, 4, {.padding = "same", .padding_mode = PaddingMode::circular}), {2, 4, 7, 6}},
      {MaxPool2d(2), {2, 3, 7, 6}},
      {MaxPool2d(3, {.stride = {2, 1}, .padding = 1, .dilation = 2, .ceil_mode = true}), {2, 3, 9, 8}},
      {AvgPool2d({3, 2}), {2, 3, 7, 6}},
      {AvgPool2d(3, {.stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false}),
       {2, 3, 8, 6}},
      {AdaptiveAvgPool2d({3, 2}), {2, 3, 7, 6}},
      {BatchNorm1d(5), {4, 5}},
      {BatchNorm1d(5, {.eps = 1e-3, .momentum = 0.3}), {4, 5, 3}},
      {BatchNorm2d(3), {2, 3, 4, 5}},
      {BatchNorm2d(3, {.momentum = {}}), {2, 3, 4, 5}},
      {BatchNorm2d(3, {.affine = false}), {2, 3, 4, 5}},
      {BatchNorm2d(3, {.track_running_stats = false}), {2, 3, 4, 5}},
      {LayerNorm(5), {2, 3, 5}},
      {LayerNorm({3, 5}, {.eps = 1e-3, .elementwise_affine = false}), {2, 3, 5}},
      {ReLU(), {3, 4}},
      {ReLU6(), {3, 4}},
      {Hardswish(), {3, 4}},
      {Sequential(Linear(3, 4), ReLU6({.inplace = true}), Linear(4, 4), Hardswish({.inplace = true}),
                  Linear(4, 4), SiLU({.inplace = true}), Linear(4, 2), Hardsigmoid({.inplace = true})),
       {5, 3}},
      {LeakyReLU(0.2), {3, 4}},
      {GELU(), {3, 4}},
      {GELU(GeluApproximation::tanh), {3, 4}},
      {SiLU(), {3, 4}},
      {Sigmoid(), {3, 4}},
      {Tanh(), {3, 4}},
      {Softmax(1), {3, 4, 2}},
      {LogSoftmax(-1), {3, 4}},
      {Flatten(), {2, 3, 4}},
      {Flatten(0, 1), {2, 3, 4}},
      {Identity(), {2, 3}},
      {Sequential(Linear(3, 4), ReLU({.inplace = true}), Linear(4, 2)), {5, 3}},
  };
}

std::vector<test::Row> blocks() {
  using namespace kiln::nn;
  return {
      {LayerNorm2d(3, {.eps = 1e-3}), {2, 3, 4, 5}},
      {Permute({0, 2, 3, 1}), {2, 3, 4, 5}},
      {ChannelShuffle(3), {2, 6, 4, 5}},
      {SqueezeExcitation(6, 4), {2, 6, 3, 4}},
      {SqueezeExcitation(6, 4, SiLU({.inplace = true}), Hardsigmoid()), {2, 6, 3, 4}},
      {Conv2dNormActivation(3, 4), {2, 3, 5, 4}},
      {Conv2dNormActivation(4, 6, 5,
                            {.stride = 2,
                             .groups = 2,
                             .norm_layer = batch_norm_2d({.eps = 1e-3, .momentum = 0.01}),
                             .activation_layer = Hardswish({.inplace = true})}),
       {2, 4, 7, 6}},
      {Conv2dNormActivation(3, 4, 3, {.norm_layer = {}, .activation_layer = {}, .dilation = 2}),
       {2, 3, 7, 6}},
      {MLP(4, {6, 3}, {.activation_layer = GELU()}), {5, 4}},
      {MLP(4, {6, 5, 3},
           {.norm_layer = [](int64_t features) -> AnyModule { return LayerNorm(features); }, .bias = false}),
       {5, 4}},
      {SelfAttention(false), {5, 2, 6}},
      {SelfAttention(true), {2, 5, 6}},
      {Upsample({.size = Pair(5, 7), .mode = InterpolateMode::bicubic, .align_corners = true}), {2, 3, 4, 4}},
      {Dropout(), {3, 4}, false},
      {StochasticDepth(0.4), {3, 4}, false},
  };
}

std::vector<test::Row> rows() {
  std::vector<test::Row> all = single_layers();
  for (test::Row& row : blocks()) all.push_back(std::move(row));
  return all;
}

}  // namespace

TEST_CASE("layers compute what PyTorch's compute, forward and backward") {
  test::check_modules(rows(), "tests/nn/layer_cases.txt");
}

TEST_CASE("fused batch norm equals the separate layers, also under hooks") {
  nn::BatchNorm2d a(3), b(3);
  const Tensor x = sines({2, 3, 4, 5}, 0.3).to(float32), residual = sines({2, 3, 4, 5}, 0.9).to(float32);
  CHECK(allclose(a.relu(x), relu(b(x)), 1e-5, 1e-6));
  CHECK(allclose(a.add_relu(x, residual), relu(b(x) + residual), 1e-5, 1e-6));
  CHECK(allclose(a.relu6(x * 9), relu6(b(x * 9)), 1e-5, 1e-6));
  CHECK(allclose(a.running_var, b.running_var));
  CHECK(a.num_batches_tracked.item<int64_t>() == 3);
  int64_t calls = 0;
  a.register_forward_hook([&](nn::Module&, const Tensors&, Tensors&) { ++calls; });
  CHECK(allclose(a.relu(x), relu(b(x)), 1e-5, 1e-6));
  CHECK(allclose(a.add_relu(x, residual), relu(b(x) + residual), 1e-5, 1e-6));
  CHECK(allclose(a.relu6(x), relu6(b(x)), 1e-5, 1e-6));
  CHECK(calls == 3);
}

TEST_CASE("the average of all batches when momentum is none") {
  nn::BatchNorm1d bn(1, {.momentum = {}});
  for (const float value : {1.f, 2.f, 6.f}) bn(tensor({{value - 1}, {value + 1}}));
  CHECK(bn.running_mean.item<float>() == doctest::Approx(3));
  CHECK(bn.running_var.item<float>() == doctest::Approx(2));
}

TEST_CASE("losses are the ops of their names") {
  const Tensor x = sines({3, 4}, 0.3), target = tensor({1, 0, 3});
  const Tensor weight = tensor({1.0, 2.0, 3.0, 4.0}).to(float64);
  nn::CrossEntropyLoss cross_entropy_loss({.weight = weight, .label_smoothing = 0.1});
  CHECK(equal(cross_entropy_loss(x, target),
              cross_entropy(x, target, {.weight = weight, .label_smoothing = 0.1})));
  CHECK(cross_entropy_loss.state_dict().contains("weight"));
  CHECK(nn::CrossEntropyLoss().state_dict().empty());
  const Tensor log_p = log_softmax(x, 1), p = sigmoid(x), y = sigmoid(sines({3, 4}, 2));
  CHECK(equal(nn::NLLLoss({.reduction = Reduction::sum})(log_p, target),
              nll_loss(log_p, target, {.reduction = Reduction::sum})));
  CHECK(equal(nn::MSELoss(Reduction::none)(x, y), mse_loss(x, y, Reduction::none)));
  CHECK(equal(nn::L1Loss()(x, y), l1_loss(x, y)));
  CHECK(equal(nn::SmoothL1Loss({.beta = 0.5})(x, y), smooth_l1_loss(x, y, 0.5)));
  CHECK(equal(nn::BCELoss({.weight = weight})(p, y), binary_cross_entropy(p, y, {.weight = weight})));
  CHECK(equal(nn::BCEWithLogitsLoss({.pos_weight = weight})(x, y),
              binary_cross_entropy_with_logits(x, y, {.pos_weight = weight})));
}

TEST_CASE("attention starts as PyTorch's, counts its products and refuses what it lacks") {
  nn::MultiheadAttention net(8, 2, {.batch_first = true});
  CHECK((net.in_proj_bias == 0).all().item<bool>());
  CHECK((net.out_proj.bias == 0).all().item<bool>());
  CHECK(abs(net.in_proj_weight).max().item<double>() <= std::sqrt(6.0 / (8 + 24)));
  const Tensor x = sines({2, 5, 8}, 0.3).to(float32);
  // 10 rows of 8 by 24 and 8 by 8, and for each of 2 samples 5 x 5 x 8 twice
  CHECK(net.flops({x, x, x}, {}) == 2 * (10 * 8 * 24 + 2 * 2 * 5 * 5 * 8));
  CHECK_THROWS_WITH_AS(nn::MultiheadAttention(8, 3),
                       "MultiheadAttention: num_heads must divide embed_dim, got 3 and 8", Error);
  CHECK_THROWS_WITH_AS(nn::MultiheadAttention(8, 2, {.add_bias_kv = true}),
                       "MultiheadAttention: add_bias_kv is not supported", Error);
  CHECK_THROWS_WITH_AS(
      nn::MultiheadAttention(8, 2, {.kdim = 4}),
      "MultiheadAttention: kdim and vdim other than embed_dim are not supported, got 4 for 8", Error);
}

TEST_CASE("impossible options are errors") {
  using namespace kiln::nn;
  CHECK_THROWS_WITH_AS(Conv2d(3, 8, 3, {.groups = 2}),
                       "Conv2d: groups must divide both channel counts, got 2 groups for 3 and 8 channels",
                       Error);
  CHECK_THROWS_WITH_AS(Conv2d(3, 8, 3, {.padding = "full"}),
                       "Conv2d: padding must be a number, a pair, \"same\" or \"valid\", got \"full\"",
                       Error);
  CHECK_THROWS_WITH_AS(Conv2d(3, 8, 3, {.stride = 2, .padding = "same"}),
                       "Conv2d: padding \"same\" needs stride 1, got (2, 2)", Error);
  CHECK_THROWS_WITH_AS(Conv2d(3, 8, {3, 0}), "Conv2d: kernel_size must be at least 1, got (3, 0)", Error);
  CHECK_THROWS_WITH_AS(MaxPool2d(2, {.padding = 2}),
                       "MaxPool2d: padding must be between 0 and half the kernel_size, got (2, 2) for (2, 2)",
                       Error);
  CHECK_THROWS_WITH_AS(Dropout(1.5), "Dropout: p must be a probability, from 0 to 1, got 1.5", Error);
  CHECK_THROWS_WITH_AS(BatchNorm2d(3)(ones({2, 3})),
                       "BatchNorm2d: x must be [N,C,H,W], got [2,3] (in BatchNorm2d)", Error);
  CHECK_THROWS_WITH_AS(BatchNorm2d(3)(Tensor()), "BatchNorm2d: x is undefined (in BatchNorm2d)", Error);
  CHECK_THROWS_WITH_AS(Linear(-1, 2), "Linear: needs sizes of at least 0, got -1 and 2", Error);
}
