#include <doctest/doctest.h>

#include <memory>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/optim/adam.h>
#include <kiln/optim/sgd.h>
#include <kiln/tensor/base/error.h>
#include <kiln/tensor/cpu/allocator.h>

using namespace kiln;
using optim::Adam, optim::SGD;

namespace {

Tensor leaf(const std::vector<float>& values) {
  return from_values(values, {int64_t(values.size())}).requires_grad_();
}

Tensor ones_for(const Tensor& x) { return ones(x.shape(), {.dtype = x.dtype()}); }

using Floats = std::vector<float>;
Floats values(const Tensor& x) { return x.to_vector<float>(); }

}  // namespace

TEST_CASE("parameters and gradients lie in aligned flat memory") {
  const Tensor a = leaf({1, 2, 3}), b = leaf({4, 5});
  // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): a second handle is the point
  const Tensor handle = a;
  const Tensor view = a.detach().narrow(0, 1, 2);
  SGD opt({a, b}, {.lr = 1});
  CHECK(reinterpret_cast<uintptr_t>(a.raw_data()) % 64 == 0);
  CHECK(static_cast<char*>(b.raw_data()) - static_cast<char*>(a.raw_data()) == 64);
  a.backward(ones_for(a));
  b.backward(ones_for(b));
  CHECK(static_cast<char*>(b.grad().raw_data()) - static_cast<char*>(a.grad().raw_data()) == 64);
  opt.step();
  CHECK(values(handle) == Floats{0, 1, 2});
  CHECK(values(view) == Floats{1, 2});
  CHECK(values(b) == Floats{3, 4});
  const void* home = a.grad().raw_data();
  opt.zero_grad();
  CHECK(!a.grad().defined());
  a.backward(ones_for(a));
  CHECK(a.grad().raw_data() == home);
  opt.zero_grad(false);
  CHECK(values(a.grad()) == Floats{0, 0, 0});
}

TEST_CASE("a gradient that somebody holds survives zero_grad") {
  const Tensor a = leaf({1, 2});
  SGD opt({a}, {.lr = 1});
  a.backward(ones_for(a));
  const Tensor held = a.grad(), held_view = a.grad().detach();
  opt.zero_grad();
  a.backward(full({2}, 7.0));
  CHECK(values(held) == Floats{1, 1});
  CHECK(values(held_view) == Floats{1, 1});
  CHECK(values(a.grad()) == Floats{7, 7});
  opt.step();
  CHECK(values(a) == Floats{-6, -5});
}

TEST_CASE("memory order stays, channels-last too") {
  const Tensor x = arange(0, 24, 1, {.dtype = float32}).reshape({2, 3, 2, 2});
  const Tensor w = x.contiguous(MemoryFormat::channels_last).detach().requires_grad_();
  SGD opt({w}, {.lr = 1});
  CHECK(w.layout().is_channels_last());
  CHECK(equal(w.detach(), x));
  w.backward(x);
  CHECK(w.grad().strides() == w.strides());
  opt.step();
  CHECK(equal(w.detach(), zeros({2, 3, 2, 2})));
}

TEST_CASE("frozen parameters and those without gradient are left out") {
  const Tensor a = leaf({1}), b = leaf({1}), c = leaf({1});
  const Tensor frozen = from_values(Floats{1}, {1});
  Adam opt({a, frozen, b, c}, {.lr = 1});
  for (const Tensor& x : {a, b, c}) x.backward(ones_for(x));
  opt.step();
  CHECK(frozen.item<float>() == 1);
  b.requires_grad_(false);
  opt.step();
  CHECK(a.item<float>() == doctest::Approx(-1));
  CHECK(b.item<float>() == doctest::Approx(0));
  b.requires_grad_();
  frozen.requires_grad_();
  frozen.backward(ones_for(frozen));
  c.set_grad({});
  opt.step();
  CHECK(b.item<float>() == doctest::Approx(-1));
  CHECK(c.item<float>() == doctest::Approx(-1));
  CHECK(frozen.item<float>() == doctest::Approx(0));
  const Value state = opt.state_dict();
  const auto steps = [&](const char* path) { return state.at(path).as_tensor().item<double>(); };
  CHECK(steps("state/0/step") == 3);
  CHECK(steps("state/1/step") == 1);
  CHECK(steps("state/2/step") == 2);
  CHECK(steps("state/3/step") == 2);
}

TEST_CASE("gradients that were set by hand are used where they are") {
  const Tensor a = leaf({1, 2}), b = leaf({3, 4});
  SGD opt({a, b}, {.lr = 1});
  const Tensor mine = from_values(Floats{1, 1}, {2});
  a.set_grad(mine);
  b.set_grad(full({1}, 2.0).expand({2}));
  opt.step();
  CHECK(values(a) == Floats{0, 1});
  CHECK(values(b) == Floats{1, 2});
  CHECK(a.grad().is_same(mine));
  mine.fill_(2);
  opt.step();
  CHECK(values(a) == Floats{-2, -1});
}

TEST_CASE("parameters that share memory stay tied") {
  const Tensor whole = from_values(Floats{1, 2, 3, 4, 5, 6}, {2, 3});
  const Tensor row = whole.detach().select(0, 0).requires_grad_();
  const Tensor column = whole.detach().select(1, 2).requires_grad_();
  const Tensor twin = row.detach().requires_grad_();
  SGD opt({row, column, twin}, {.lr = 1});
  for (const Tensor& x : {row, column, twin}) x.backward(ones_for(x));
  opt.step();
  CHECK(values(whole) == Floats{-1, 0, 0, 4, 5, 5});
  opt.step();
  CHECK(values(whole) == Floats{-3, -2, -3, 4, 5, 4});
}

TEST_CASE("two optimisers may share parameters, and one may follow the other") {
  const Tensor a = leaf({1, 2});
  auto first = std::make_unique<SGD>(Tensors{a}, optim::SGDOptions{.lr = 1});
  SGD second({a}, {.lr = 10});
  a.backward(ones_for(a));
  second.step();
  CHECK(values(a) == Floats{-9, -8});
  first->step();
  CHECK(values(a) == Floats{-10, -9});
  first.reset();
  second.zero_grad();
  a.backward(ones_for(a));
  second.step();
  CHECK(values(a) == Floats{-20, -19});
}

TEST_CASE("parameters and gradients outlive the optimiser") {
  const Tensor a = leaf({1, 2});
  {
    SGD opt({a}, {.lr = 1});
    a.backward(ones_for(a));
  }
  CHECK(values(a) == Floats{1, 2});
  CHECK(values(a.grad()) == Floats{1, 1});
  a.backward(ones_for(a));
  CHECK(values(a.grad()) == Floats{2, 2});
}

TEST_CASE("a step is seen as a write") {
  const Tensor a = leaf({1, 2});
  SGD opt({a}, {.lr = 1});
  const Tensor y = (a * a).sum();
  a.set_grad(ones_for(a));
  opt.step();
  CHECK_THROWS_AS(y.backward(), Error);
}

TEST_CASE("writing to a parameter between steps works") {
  for (const DType dtype : {float32, float16}) {
    const Tensor a = from_values(Floats{1, 2}, {2}).to(dtype).requires_grad_();
    SGD opt({a}, {.lr = 1});
    a.backward(ones_for(a));
    opt.step();
    {
      const NoGrad guard;
      a.fill_(5);
    }
    opt.step();
    CHECK(values(a.detach().to(float32)) == Floats{4, 4});
  }
}

TEST_CASE("halves accumulate in float32") {
  for (const DType dtype : {float16, bfloat16}) {
    const Tensor a = from_values(Floats{1, 2}, {2}).to(dtype).requires_grad_();
    SGD opt({a}, {.lr = 1.0 / 65536});
    a.backward(ones_for(a));
    for (int i = 0; i < 4096; ++i) opt.step();
    CHECK(values(a.detach().to(float32)) == Floats{0.9375F, 1.9375F});
    const Value state = opt.state_dict();
    CHECK(state.at("state/0/master_param").as_tensor().dtype() == float32);
  }
}

TEST_CASE("groups of several dtypes, and empty and 0-dim parameters") {
  const Tensor a = leaf({1}), b = tensor(2.0).to(float64).requires_grad_();
  const Tensor none = empty({0, 3}).requires_grad_(), c = tensor(3.0).requires_grad_();
  Adam opt({a, b, none, c}, {.lr = 0.5});
  for (const Tensor& x : {a, b, none, c}) x.backward(ones_for(x));
  opt.step();
  CHECK(a.item<float>() == doctest::Approx(0.5));
  CHECK(b.item<double>() == doctest::Approx(1.5));
  CHECK(c.item<float>() == doctest::Approx(2.5));
}

TEST_CASE("bad parameters are refused") {
  const Tensor a = leaf({1});
  CHECK_THROWS_WITH_AS(SGD(Tensors{}), "SGD: got an empty parameter list", Error);
  CHECK_THROWS_WITH_AS(SGD(std::vector<SGD::Group>{}), "SGD: got an empty parameter list", Error);
  CHECK_THROWS_WITH_AS(SGD({a, a}),
                       "SGD: parameter 1 of shape [1] is given twice; a parameter belongs to one group, once",
                       Error);
  CHECK_THROWS_AS(SGD({a * 2}), Error);
  CHECK_THROWS_AS(SGD({Tensor()}), Error);
  CHECK_THROWS_AS(SGD({tensor(1)}), Error);
  CHECK_THROWS_WITH_AS(SGD({a}, {.lr = -1}), "SGD: lr -1 must be at least 0", Error);
  CHECK_THROWS_AS(SGD({a}, {.momentum = -1}), Error);
  CHECK_THROWS_AS(SGD({a}, {.nesterov = true}), Error);
  CHECK_THROWS_AS(Adam({a}, {.betas = {0.9, 1}}), Error);
  CHECK_THROWS_AS(Adam({a}, {.eps = -1}), Error);
  CHECK_THROWS_AS(optim::AdamW({a}, {.weight_decay = -1}), Error);
  SGD opt({a}, {.lr = 1});
  CHECK_THROWS_AS(opt.add_param_group({a}, {}), Error);
  CHECK(opt.groups() == 1);
  const Tensor b = leaf({5});
  opt.add_param_group({b}, {.lr = 2});
  for (const Tensor& x : {a, b}) x.backward(ones_for(x));
  opt.step();
  CHECK(a.item<float>() == 0);
  CHECK(b.item<float>() == 3);
}

TEST_CASE("a parameter that changed its shape is refused") {
  const Tensor a = leaf({1, 2});
  SGD opt({a}, {.lr = 1});
  const Tensor longer = ones({3});
  a.impl()->storage = longer.impl()->storage;
  a.impl()->layout = longer.layout();
  a.set_grad(ones_for(a));
  CHECK_THROWS_WITH_AS(
      opt.step(),
      "SGD: a parameter had shape [2] when the optimiser was made and has [3] now; make a new optimiser",
      Error);
}

TEST_CASE("a steady step asks the system for no memory") {
  const Tensor a = leaf(Floats(5000, 1)), b = leaf({1});
  Adam opt({a, b});
  const Tensor ga = ones_for(a), gb = ones_for(b);
  int64_t before = 0;
  for (int i = 0; i < 10; ++i) {
    if (i == 5) before = host::memory_statistics().system_allocations;
    opt.zero_grad();
    a.backward(ga);
    b.backward(gb);
    opt.step();
  }
  CHECK(host::memory_statistics().system_allocations == before);
}
