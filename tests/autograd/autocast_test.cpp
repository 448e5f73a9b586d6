#include <doctest/doctest.h>

#include <thread>

#include "support/check_op.h"

using namespace kiln;
using kiln::test::expect_close;
using kiln::test::random_input;

namespace {

Tensor floats(const Shape& shape, uint64_t seed) { return random_input(shape, 0.1, 0.9, seed).to(float32); }
Tensor parameter(const Shape& shape, uint64_t seed) { return floats(shape, seed).requires_grad_(); }

Tensor loss_of(const Tensor& x, const Tensor& weight, const Tensor& target) {
  return mse_loss(linear(relu(linear(x, weight)), weight), target);
}

struct Net : nn::Module {
  nn::Conv2d conv{1, 8, 3, {.padding = 1}};
  nn::BatchNorm2d bn{8};
  nn::Linear fc{8 * 4 * 4, 2};
  NN_MEMBERS(conv, bn, fc)
  Tensor forward(const Tensor& x) {
    return fc.forward(flatten(max_pool2d(relu(bn.forward(conv.forward(x))), 2), 1));
  }
};

}  // namespace

TEST_CASE("autocast: each op computes in the type of its list") {
  const Tensor x = floats({2, 3, 4, 4}, 1), w = floats({5, 3, 3, 3}, 2), m = floats({3, 4}, 3),
               v = floats({4}, 4);
  const Tensor half = m.to(bfloat16), target = floats({3, 4}, 5), classes = tensor({0, 1, 2});
  struct Row {
    const char* name;
    DType expected;
    std::function<Tensor()> op;
  };
  const std::vector<Row> rows = {
      {"conv2d", bfloat16, [&] { return conv2d(x, w); }},
      {"conv2d of one image", bfloat16, [&] { return conv2d(x[0], w); }},
      {"linear", bfloat16,
       [&] {
         return linear(m, m, tensor({0.f, 1.f, 2.f}));
       }},
      {"matmul", bfloat16, [&] { return matmul(m, m.t()); }},
      {"matmul of mixed types", bfloat16, [&] { return matmul(half, m.t()); }},
      {"matmul of vectors", bfloat16, [&] { return matmul(v, v); }},
      {"matmul of float64", float64, [&] { return matmul(m.to(float64), m.t().to(float64)); }},
      {"exp", float32, [&] { return exp(half); }},
      {"expm1", float32, [&] { return expm1(half); }},
      {"log", float32, [&] { return log(half); }},
      {"log1p", float32, [&] { return log1p(half); }},
      {"log2", float32, [&] { return log2(half); }},
      {"log10", float32, [&] { return log10(half); }},
      {"pow by a number", float32, [&] { return pow(half, 2); }},
      {"pow of a number", float32, [&] { return pow(2, half); }},
      {"pow", float32, [&] { return pow(half, half); }},
      {"reciprocal", float32, [&] { return reciprocal(half); }},
      {"rsqrt", float32, [&] { return rsqrt(half); }},
      {"tan", float32, [&] { return tan(half); }},
      {"acos", float32, [&] { return acos(half); }},
      {"cosh", float32, [&] { return cosh(half); }},
      {"softplus", float32, [&] { return softplus(half); }},
      {"softmax", float32, [&] { return softmax(half, 1); }},
      {"log_softmax", float32, [&] { return log_softmax(half, 1); }},
      {"sum", float32, [&] { return sum(half); }},
      {"sum of integers", int64, [&] { return sum(classes); }},
      {"prod", float32, [&] { return prod(half); }},
      {"cumsum", float32, [&] { return cumsum(half, 0); }},
      {"norm", float32, [&] { return norm(half); }},
      {"layer_norm", float32, [&] { return layer_norm(half, {4}, v, v); }},
      {"cross_entropy", float32, [&] { return cross_entropy(half, classes); }},
      {"cross_entropy of probabilities", float32, [&] { return cross_entropy(half, target); }},
      {"nll_loss", float32, [&] { return nll_loss(half, classes); }},
      {"mse_loss", float32, [&] { return mse_loss(half, target); }},
      {"l1_loss", float32, [&] { return l1_loss(half, target); }},
      {"smooth_l1_loss", float32, [&] { return smooth_l1_loss(half, target); }},
      {"bce with logits", float32, [&] { return binary_cross_entropy_with_logits(half, target); }},
      {"bce of float32", float32, [&] { return binary_cross_entropy(m, target); }},
      {"relu", bfloat16, [&] { return relu(half); }},
      {"gelu", bfloat16, [&] { return gelu(half); }},
      {"sqrt", bfloat16, [&] { return sqrt(half); }},
      {"mean", bfloat16, [&] { return mean(half); }},
      {"var", bfloat16, [&] { return var(half); }},
      {"dropout", bfloat16, [&] { return dropout(half); }},
      {"max_pool2d", bfloat16, [&] { return max_pool2d(x.to(bfloat16), 2); }},
      {"avg_pool2d", bfloat16, [&] { return avg_pool2d(x.to(bfloat16), 2); }},
      {"batch_norm", bfloat16, [&] { return batch_norm(half, v, v, v, v); }},
      {"batch_norm with a wider residual", float32, [&] { return batch_norm(half, v, v, v, v, {}, m); }},
      {"add of mixed types", float32, [&] { return half + m; }},
      {"cat of mixed types", float32,
       [&] {
         return cat({half, m});
       }},
      {"add", float32, [&] { return m + m; }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const Tensor y = [&] {
      const Autocast amp(bfloat16);
      return row.op();
    }();
    CHECK(y.dtype() == row.expected);
  }
  const Autocast amp(float16);
  CHECK(matmul(m, m.t()).dtype() == float16);
}

TEST_CASE("autocast: the same numbers as conversions by hand, gradients in float32") {
  const Tensor x = floats({6, 5}, 1), target = floats({6, 5}, 2), weight = parameter({5, 5}, 3);
  Tensor loss;
  {
    const Autocast amp;
    loss = loss_of(x, weight, target);
  }
  loss.backward();
  CHECK(weight.grad().dtype() == float32);

  const Tensor by_hand = parameter({5, 5}, 3), half = by_hand.to(bfloat16);
  const Tensor expected = mse_loss(linear(relu(linear(x.to(bfloat16), half)), half).to(float32), target);
  expected.backward();
  CHECK(equal(loss, expected));
  CHECK(equal(weight.grad(), by_hand.grad()));

  SUBCASE("also when backward is called inside") {
    const Tensor again = parameter({5, 5}, 3);
    const Autocast amp;
    loss_of(x, again, target).backward();
    CHECK(equal(again.grad(), weight.grad()));
  }
  SUBCASE("and close to float32") {
    const Tensor full = parameter({5, 5}, 3);
    loss_of(x, full, target).backward();
    expect_close(weight.grad(), full.grad(), 2e-2, 2e-2, "gradient");
  }
}

TEST_CASE("autocast: gradients have gradients") {
  const Tensor x = floats({4, 5}, 1), weight = parameter({5, 5}, 2);
  const auto penalty = [&](bool mixed) {
    const Autocast amp(bfloat16, mixed);
    const Tensor y = sum(square(linear(x, weight)));
    const Tensor g = grad({y}, {weight}, {}, {.create_graph = true})[0];
    return grad({sum(square(g))}, {weight})[0];
  };
  expect_close(penalty(true), penalty(false), 5e-2, 5e-2, "second derivative");
}

TEST_CASE("autocast: a parameter is converted once, and again after a write") {
  const Tensor x = floats({2, 5}, 1), weight = parameter({5, 5}, 2);
  const Autocast amp;
  const auto product = [&] { return sum(linear(x, weight)).item<float>(); };
  const float before = product();
  {
    const NoGrad no_grad;
    weight.mul_(2);
  }
  CHECK(product() == doctest::Approx(2 * before));
  {
    const NoGrad no_grad;
    linear(x, weight);
  }
  const Tensor y = sum(linear(x, weight));
  y.backward();  // what was converted under NoGrad has no history, and is not used
  CHECK(weight.grad().defined());
  sum(linear(x, weight)).backward();  // the conversion is shared by two backward passes
}

TEST_CASE("autocast: scopes nest, and end with what they were made in") {
  const Tensor m = floats({3, 3}, 1);
  const auto type = [&] { return matmul(m, m).dtype(); };
  CHECK_FALSE(autocast_enabled());
  {
    const Autocast outer(bfloat16);
    CHECK(autocast_enabled());
    CHECK(type() == bfloat16);
    {
      const Autocast inner(float16);
      CHECK(autocast_dtype() == float16);
      CHECK(type() == float16);
      const NoAutocast full;
      CHECK(type() == float32);
      const Autocast again(bfloat16);
      CHECK(type() == bfloat16);
    }
    CHECK(type() == bfloat16);
    {
      const Autocast off(float16, false);
      CHECK_FALSE(autocast_enabled());
      CHECK(type() == float32);
    }
    CHECK(type() == bfloat16);
    DType other = int64;
    std::thread([&] { other = type(); }).join();
    CHECK(other == float32);
  }
  CHECK(type() == float32);
  CHECK_THROWS_WITH_AS(Autocast{float32}, "Autocast: the type must be float16 or bfloat16, got float32",
                       Error);
  CHECK(type() == float32);
}

TEST_CASE("autocast: binary_cross_entropy of halves is refused") {
  const Tensor p = floats({3}, 1);
  const Autocast amp;
  test::expect_error("binary_cross_entropy_with_logits", [&] { binary_cross_entropy(p.to(bfloat16), p); });
}

TEST_CASE("autocast: a convolutional net with batch norm learns as in float32") {
  const auto trained = [](bool mixed) {
    manual_seed(3);
    Net net;
    optim::SGD optimizer(net.parameters(), {.lr = 0.1, .momentum = 0.9});
    const Tensor x = randn({32, 1, 8, 8}), target = (mean(x, {1, 2, 3}) > 0).to(int64);
    float last = 0;
    for (int i = 0; i < 30; ++i) {
      Tensor loss;
      {
        const Autocast amp(bfloat16, mixed);
        loss = cross_entropy(net.forward(x), target);
      }
      optimizer.zero_grad();
      loss.backward();
      optimizer.step();
      last = loss.item<float>();
    }
    CHECK(net.conv.weight.dtype() == float32);
    CHECK(net.bn.running_mean.dtype() == float32);
    return last;
  };
  CHECK(trained(true) == doctest::Approx(trained(false)).epsilon(0.3));
  CHECK(trained(true) < 0.1);
}
