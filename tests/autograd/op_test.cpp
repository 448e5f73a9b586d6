#include <doctest/doctest.h>
#include <support/check_op.h>

#include <cmath>
#include <thread>

#include <kiln/autograd/op.h>

using namespace kiln;
using autograd::Kind, autograd::Listen, autograd::Op, autograd::OpCall;
using test::expect_error;

namespace {

struct Log final : autograd::Listener {
  std::vector<std::string> begun;
  std::vector<OpCall> ended;

  void begin(const OpCall& call) override { begun.push_back(call.name); }
  void end(const OpCall& call) override { ended.push_back(call); }
  const OpCall& of(std::string_view name) const {
    for (const OpCall& call : ended)
      if (call.name == name) return call;
    FAIL("no call of " << std::string(name));
    return ended.front();
  }
};

// An op of a user's own.
Tensor twice(const Tensor& input) {
  Op op("twice");
  const Tensor& x = op.operand("x", input, Kind::floating, {1, 2, "a list or a matrix"});
  op.attribute("by", 2);
  Tensor y;
  {
    const NoGrad scope;
    y = x * 2;
  }
  return op.record(y, [](const Tensor& g) { return g * 2; });
}

}  // namespace

TEST_CASE("an op of one's own is checked, recorded and seen") {
  Tensor x = ones({3});
  x.requires_grad_();
  Log log;
  {
    const Listen scope(log);
    twice(x).sum().backward();
  }
  twice(x);
  CHECK(x.grad().to_vector<float>() == std::vector<float>{2, 2, 2});
  CHECK(log.begun[0] == "twice");
  const OpCall& call = log.of("twice");
  CHECK(call.operands.size() == 1);
  CHECK(call.find_operand("x")->is_same(x));
  CHECK(to_string(*call.find_attribute("by")) == "by=2");
  CHECK(call.results[0].shape() == Shape{3});
  CHECK(call.backward == nullptr);
  CHECK(std::count(log.begun.begin(), log.begun.end(), "twice") == 1);
  expect_error("twice: x is an undefined tensor", [] { twice({}); });
  expect_error("twice: needs floating-point numbers, x is int64", [] { twice(ones({2}).to(int64)); });
  expect_error("twice: x must be a list or a matrix, got [1,1,2]", [] { twice(ones({1, 1, 2})); });
}

TEST_CASE("listeners see nesting, failures, writes, backward and what autocast made") {
  const Tensor x = rand({2, 3}), w = rand({4, 3}).requires_grad_();
  Log log;
  {
    const Listen scope(log);
    {
      const Autocast amp(bfloat16);
      linear(x, w);
    }
    softmax(x, 1);
    CHECK_THROWS_AS(softmax(x, 7), Error);
    x.clone().add_(x, 2);
    mse_loss(linear(x, w), zeros({2, 4}), Reduction::none).sum().backward();
  }
  CHECK(log.of("linear").find_operand("weight")->dtype() == bfloat16);
  CHECK(to_string(*log.of("softmax").find_attribute("dim")) == "dim=1");
  CHECK(log.of("add_").in_place);
  CHECK(log.of("add_").results[0].is_same(*log.of("add_").find_operand("x")));
  int failed = 0, backward = 0;
  for (const OpCall& call : log.ended) {
    failed += call.failed;
    backward += call.backward != nullptr;
  }
  CHECK(failed == 1);
  CHECK(backward > 0);
  CHECK(log.begun.size() == log.ended.size());
  // square is a part of the loss: it begins after it and ends before it.
  const auto place = [](const auto& list, std::string_view name, auto name_of) {
    return std::find_if(list.begin(), list.end(), [&](const auto& entry) { return name_of(entry) == name; }) -
           list.begin();
  };
  const auto text = [](const std::string& name) { return std::string_view(name); };
  const auto named = [](const OpCall& call) { return std::string_view(call.name); };
  CHECK(place(log.begun, "mse_loss", text) < place(log.begun, "square", text));
  CHECK(place(log.ended, "square", named) < place(log.ended, "mse_loss", named));
}

TEST_CASE("a listener hears one thread or all") {
  Log mine, all;
  const Listen here(mine), everywhere(all, Listen::Threads::all);
  std::thread([] { relu(ones({2})); }).join();
  CHECK(std::count(mine.begun.begin(), mine.begun.end(), "relu") == 0);
  CHECK(std::count(all.begun.begin(), all.begun.end(), "relu") == 1);
}

TEST_CASE("a gradient of another type is cast, one of another shape names both ops") {
  const auto passing = [](const char* name, const Tensor& x, auto rule) {
    return autograd::record(name, {x}, x.detach().clone(), rule);
  };
  Tensor x = ones({2, 3});
  x.requires_grad_();
  passing("wide", x * 1, [](const Tensor& g) { return g.to(float64); }).sum().backward();
  CHECK(x.grad().dtype() == float32);
  expect_error("for a result of mul, which has shape [2,3]",
               [&] { passing("crooked", x * 1, [](const Tensor&) { return ones({3}); }).sum().backward(); });
  expect_error("for a leaf, which has shape [2,3]",
               [&] { passing("crooked", x, [](const Tensor&) { return ones({3}); }).sum().backward(); });
  expect_error("backward of a hook: it gave a gradient of shape [1]", [&] {
    const Tensor y = x * 2;
    autograd::register_hook(y, [](const Tensor&) { return ones({1}); });
    y.sum().backward();
  });
  expect_error("backward of many: it gave 2 gradients for 1 inputs", [&] {
    autograd::record("many", {x}, x.detach().clone(),
                     [](const Tensor& g, autograd::Wanted) {
                       autograd::Gradients grads;
                       grads.push_back(g);
                       grads.push_back(g);
                       return grads;
                     })
        .sum()
        .backward();
  });
}

TEST_CASE("hooks keep their state, and a retained gradient is of the present value") {
  Tensor x = ones({2});
  x.requires_grad_();
  int calls = 0;
  autograd::register_hook(x, [&calls, own = 0](const Tensor& g) mutable {
    calls = ++own;
    return g;
  });
  for (int i = 0; i < 3; ++i) (x * 2).sum().backward();
  CHECK(calls == 3);
  Tensor y = x * 2;
  y.retain_grad();
  y.mul_(3);
  Tensor z = y * 5;
  z.sum().backward();
  CHECK(y.grad().to_vector<float>() == std::vector<float>{5, 5});
}

TEST_CASE("graphs of several threads run in the order of their ops") {
  Tensor x = ones({3});
  x.requires_grad_();
  Tensor a;
  std::thread([&] {
    Tensor z = x;
    for (int i = 0; i < 50; ++i) z = z * 1;
    a = z * 1;
  }).join();
  const Tensor loss = (a + a * 2).sum();
  CHECK(grad({loss}, {a})[0].to_vector<float>() == std::vector<float>{3, 3, 3});
}

TEST_CASE("values that a type cannot hold are refused") {
  expect_error("full: value 300 cannot be stored in uint8, which holds 0 .. 255",
               [] { full({1}, 300, {.dtype = uint8}); });
  expect_error("fill_: value -1 cannot be stored in uint8", [] { zeros({1}, {.dtype = uint8}).fill_(-1); });
  expect_error("full_like: value 1e+39 cannot be stored in float32", [] { full_like(ones({1}), 1e39); });
  expect_error("full: value 70000 cannot be stored in float16", [] { full({1}, 70000, {.dtype = float16}); });
  expect_error("value inf cannot be stored in int8", [] { full({1}, INFINITY, {.dtype = int8}); });
  CHECK(full({1}, INFINITY, {.dtype = float16}).item<float>() == INFINITY);
  CHECK(full({1}, 2, {.dtype = bool8}).item<bool>());
}

TEST_CASE("losses of halves, of infinities and of many rows have the number that there is") {
  const Tensor ones_of_class = full({70000, 2}, -1.0, {.dtype = float16});
  CHECK(nll_loss(ones_of_class, zeros({70000}, {.dtype = int64})).item<double>() == 1);
  const Tensor far = tensor({INFINITY, -INFINITY}), right = tensor({1.f, 0.f});
  CHECK(binary_cross_entropy_with_logits(far, right).item<float>() == 0);
  CHECK(binary_cross_entropy_with_logits(far, 1 - right).item<float>() == INFINITY);
  CHECK(mse_loss(full({4}, 300.0, {.dtype = float16}), zeros({4}, {.dtype = float16}), Reduction::mean)
            .item<float>() == INFINITY);  // 90000 is more than float16 holds
  CHECK(mse_loss(full({4}, 200.0, {.dtype = float16}), zeros({4}, {.dtype = float16})).item<float>() ==
        40000);
}
