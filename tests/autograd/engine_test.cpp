#include <doctest/doctest.h>

#include <support/check_op.h>

#include <kiln/autograd/record.h>

using namespace kiln;
using test::expect_error;
using Values = std::vector<double>;

namespace {

Tensor leaf(const Tensor& x) { return x.to(float64).clone().requires_grad_(); }
Values grad_of(const Tensor& x) { return x.grad().to_vector<double>(); }

}  // namespace

TEST_CASE("gradients reach the leaves, add up, and stop at detach and NoGrad") {
  const Tensor x = leaf(tensor({1.0, 2.0})), w = leaf(tensor({3.0, 4.0}));
  (x * w + x).sum().backward();
  CHECK(grad_of(x) == Values{4, 5});
  CHECK(grad_of(w) == Values{1, 2});
  (x * 10).sum().backward();
  CHECK(grad_of(x) == Values{14, 15});
  x.set_grad({});
  (x * x.detach()).sum().backward();
  CHECK(grad_of(x) == Values{1, 2});
  {
    const NoGrad scope;
    CHECK_FALSE((x * 2).requires_grad());
    const EnableGrad inside;
    CHECK((x * 2).requires_grad());
  }
  CHECK((x * 2).requires_grad());
  CHECK((x * 2).is_leaf() == false);
  CHECK(x.is_leaf());
}

TEST_CASE("a second backward needs retain_graph, unless nothing was saved") {
  const Tensor x = leaf(tensor({1.0, 2.0}));
  const Tensor y = (x * x).sum();
  y.backward({}, true);
  y.backward();
  CHECK(grad_of(x) == Values{4, 8});
  expect_error("its saved tensors were freed by an earlier backward; pass retain_graph",
               [&] { y.backward(); });
  const Tensor z = (x + x).sum();
  z.backward();
  CHECK_NOTHROW(z.backward());
}

TEST_CASE("backward says what is missing") {
  const Tensor x = leaf(tensor({1.0, 2.0}));
  expect_error("shape [2] needs a gradient to start from", [&] { (x * 2).backward(); });
  expect_error("the tensor has shape [2], the gradient given [3]", [&] { (x * 2).backward(ones(3)); });
  expect_error("does not require grad", [&] { x.detach().sum().backward(); });
  expect_error("is an undefined tensor", [&] { autograd::backward({Tensor()}, {}); });
  expect_error("only floating-point tensors have gradients", [] { arange(3).requires_grad_(); });
  expect_error("only a leaf can be switched off", [&] { (x * 2).requires_grad_(false); });
}

TEST_CASE("grad gives gradients without touching .grad") {
  const Tensor x = leaf(tensor({1.0, 2.0})), other = leaf(tensor({5.0}));
  const Tensor y = x * x, z = (y * 3).sum();
  const Tensors g = grad({z}, {x, y}, {}, {.retain_graph = true});
  CHECK(g[0].to_vector<double>() == Values{6, 12});
  CHECK(g[1].to_vector<double>() == Values{3, 3});
  CHECK_FALSE(x.grad().defined());
  expect_error("do not depend on input 0", [&] { grad({z}, {other}, {}, {.retain_graph = true}); });
  CHECK_FALSE(grad({z}, {other}, {}, {.retain_graph = true, .allow_unused = true})[0].defined());
  CHECK(grad({z}, {z}, {})[0].item<double>() == 1);
}

TEST_CASE("create_graph gives gradients that have gradients") {
  const Tensor x = leaf(tensor({2.0, 3.0}));
  const Tensor first = grad({(x * x * x).sum()}, {x}, {}, {.create_graph = true})[0];
  const Tensor second = grad({first.sum()}, {x}, {}, {.create_graph = true})[0];
  const Tensor third = grad({second.sum()}, {x})[0];
  CHECK(first.to_vector<double>() == Values{12, 27});
  CHECK(second.to_vector<double>() == Values{12, 18});
  CHECK(third.to_vector<double>() == Values{6, 6});
  (x * x).sum().backward({}, false, true);
  CHECK(x.grad().requires_grad());
  x.set_grad({});  // its graph holds x, and x holds it
}

TEST_CASE("a chain of a million ops goes forward, backward and away") {
  const Tensor x = leaf(tensor({1.0}));
  Tensor y = x;
  for (int i = 0; i < 1'000'000; ++i) y = y + 1e-6;
  y.backward();
  CHECK(grad_of(x) == Values{1});
  y = x;
  for (int i = 0; i < 1'000'000; ++i) y = y * 1.0;  // dropped without backward, saved tensors and all
  y = {};
}

TEST_CASE("what backward saved must not be written afterwards") {
  const Tensor x = leaf(tensor({1.0, 2.0})), w = leaf(tensor({3.0, 4.0}));
  const Tensor y = x * 2;
  const Tensor z = (y * w).sum();
  y.add_(1);
  expect_error("backward of mul: a float64 tensor [2] that it saved was changed in place afterwards by add_",
               [&] { z.backward(); });
  const Tensor s = x.sigmoid();
  s.mul_(2);
  expect_error("changed in place afterwards by mul_", [&] { s.sum().backward(); });
}

TEST_CASE("in-place ops are recorded") {
  const Tensor x = leaf(tensor({1.0, 2.0})), w = leaf(tensor({3.0, 4.0}));
  const Tensor y = x * 2;
  y.mul_(w);
  y.add_(x);
  y.sum().backward();
  CHECK(grad_of(x) == Values{7, 9});
  CHECK(grad_of(w) == Values{2, 4});
  x.set_grad({});
  const Tensor zeroed = x * 2;
  zeroed.zero_();
  (zeroed + x).sum().backward();
  CHECK(grad_of(x) == Values{1, 1});
  expect_error("is a leaf that requires grad", [&] { x.add_(1); });
  expect_error("is a view of a leaf that requires grad", [&] { x[0].add_(1); });
  const NoGrad scope;
  CHECK_NOTHROW(x.add_(1));
  expect_error("reaches one element by several indices", [&] { zeros(1).expand({3}).add_(1); });
}

TEST_CASE("writing through a view reaches the history of its base, and the other way round") {
  const Tensor x = leaf(tensor({{1.0, 2.0}, {3.0, 4.0}})), w = leaf(tensor({5.0, 6.0}));
  const Tensor y = x * 1;
  const Tensor row = y[0], column = y.select(1, 1);
  row.mul_(w);
  CHECK(y.to_vector<double>() == Values{5, 12, 3, 4});
  (y * y).sum().backward({}, true);
  CHECK(grad_of(x) == Values{50, 144, 6, 8});
  CHECK(grad_of(w) == Values{10, 48});
  x.set_grad({});
  w.set_grad({});
  column.sum().backward({}, true);  // a view made before the write
  CHECK(grad_of(x) == Values{0, 6, 0, 1});
  CHECK(grad_of(w) == Values{0, 2});

  const Tensor canvas = zeros({2, 2}, {.dtype = float64});
  canvas[1].copy_(w * 2);  // a base that had no history
  x.set_grad({});
  w.set_grad({});
  (canvas * canvas).sum().backward();
  CHECK(grad_of(w) == Values{40, 48});

  const Tensor base = x * 1, view = base.t();
  base.mul_(3);
  x.set_grad({});
  view.narrow(0, 0, 1).sum().backward();
  CHECK(grad_of(x) == Values{3, 0, 3, 0});
}

TEST_CASE("hooks see and change gradients") {
  const Tensor x = leaf(tensor({1.0, 2.0}));
  int calls = 0;
  const int64_t id = autograd::register_hook(x, [&](const Tensor& g) {
    ++calls;
    return g * 10;
  });
  const Tensor y = x * x;
  y.retain_grad();
  autograd::register_hook(y, [](const Tensor& g) { return g + 1; });
  (y + x).sum().backward();
  CHECK(calls == 1);
  CHECK(grad_of(y) == Values{2, 2});
  CHECK(grad_of(x) == Values{50, 90});
  autograd::remove_hook(x, id);
  x.set_grad({});
  (x * 1).sum().backward();
  CHECK(grad_of(x) == Values{1, 1});
  expect_error("has no hook number", [&] { autograd::remove_hook(x, id); });
}

TEST_CASE("a gradient goes to the home that was set for it") {
  const Tensor x = leaf(tensor({1.0, 2.0})), home = zeros(2, {.dtype = float64});
  autograd::set_grad_home(x, home);
  (x * 3).sum().backward();
  CHECK(home.to_vector<double>() == Values{3, 3});
  CHECK(x.grad().shares_storage(home));
  (x * 3).sum().backward();
  CHECK(home.to_vector<double>() == Values{6, 6});
  x.set_grad({});
  (x * 2).sum().backward();
  CHECK(home.to_vector<double>() == Values{2, 2});
}

TEST_CASE("a user's own function joins the graph") {
  const auto cube = [](const Tensor& x) {
    Tensor y;
    {
      const NoGrad scope;
      y = x * x * x;
    }
    return autograd::record("cube", {x}, y, [x = autograd::Saved(x)](const Tensor& g) {
      const Tensor value = x.get();
      return g * value * value * 3;
    });
  };
  const auto f = [&](const Tensors& in) { return Tensors{cube(in[0])}; };
  const Tensor x = leaf(tensor({0.5, -2.0}));
  CHECK(gradcheck(f, {x}));
  CHECK(gradgradcheck(f, {x}));
  CHECK(std::string(autograd::op_name(cube(x))) == "cube");
}

TEST_CASE("gradcheck finds a wrong gradient") {
  const auto wrong = [](const Tensors& in) {
    Tensor y;
    {
      const NoGrad scope;
      y = in[0] * in[0];
    }
    return Tensors{autograd::record("wrong", {in[0]}, y,
                                    [x = autograd::Saved(in[0])](const Tensor& g) { return g * x.get(); })};
  };
  expect_error("gradcheck: the gradient of input 0 [1] at element 0",
               [&] { gradcheck(wrong, {leaf(tensor({3.0}))}); });
}

TEST_CASE("anomaly mode names the op and where it was called") {
  const DetectAnomaly scope;
  const Tensor x = leaf(tensor({0.0}));
  expect_error(
      "backward of sqrt: the gradient of its input 0 has values that are not finite; the op was called "
      "from: ",
      [&] { x.sqrt().sum().backward(); });
}

TEST_CASE("random graphs agree with central differences") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto f = [seed](const Tensors& in) {
      Generator generator(seed);
      Tensors pool = in;
      for (int i = 0; i < 12; ++i) {
        const Tensor a = pool[generator.next() % pool.size()], b = pool[generator.next() % pool.size()];
        switch (generator.next() % 6) {
          case 0:
            pool.push_back(a + b);
            break;
          case 1:
            pool.push_back(a * b);
            break;
          case 2:
            pool.push_back(a.tanh());
            break;
          case 3:
            pool.push_back(a.t().clone().t() - b);
            break;
          case 4:
            pool.push_back(a.sum({0}, true).expand({2, 2}) * 0.3);
            break;
          default: {
            const Tensor c = a * 1;
            c[0].mul_(b[1]);
            pool.push_back(c.sigmoid());
          }
        }
      }
      return Tensors{pool.back(), pool[pool.size() - 2]};
    };
    const Tensors in = {test::random_input({2, 2}, -1, 1, seed).requires_grad_(),
                        test::random_input({2, 2}, -1, 1, seed + 99).requires_grad_()};
    const Tensors out = f(in);
    if (!out[0].requires_grad() && !out[1].requires_grad()) continue;
    CHECK(gradcheck(f, in));
    CHECK(gradgradcheck(f, in));
  }
}

namespace {

[[gnu::noinline]] Tensor half_of_a_root(const Tensor& x) {
  Tensor y = sqrt(x);
  return y / 2;
}

}  // namespace

TEST_CASE("anomaly mode names the function of the user, and no addresses") {
  const DetectAnomaly scope;
  const Tensor x = leaf(tensor({0.0}));
  std::string text;
  try {
    half_of_a_root(x).sum().backward();
  } catch (const Error& error) {
    text = error.what();
  }
  CHECK_MESSAGE(text.find("half_of_a_root") != std::string::npos, text);
  CHECK_MESSAGE(text.find("0x") == std::string::npos, text);
}

TEST_CASE("a user's function that records nonsense is told") {
  const Tensor x = ones({2}, {.requires_grad = true});
  const auto rule = [](const Tensor& g) { return g; };
  const auto many = [](const autograd::Gradients& g, autograd::Wanted) { return g; };
  CHECK_THROWS_WITH_AS(autograd::record("f", {x}, Tensor(), rule), "f: its result is an undefined tensor",
                       Error);
  CHECK_THROWS_WITH_AS(autograd::record_all("f", {x}, {Tensor()}, many),
                       "f: its result 0 is an undefined tensor", Error);
  CHECK_THROWS_AS(autograd::record_all("f", {x}, {x}, many), Error);
  CHECK_FALSE(autograd::record("f", {x}, tensor({1, 2}), rule).requires_grad());
  // Of a leaf, or of a result, that it gives back, a new handle.
  const Tensor same = autograd::record("f", {x}, x, rule), plain = ones({2}), y = x * 2;
  CHECK(autograd::record("f", {plain}, y, rule).is_same(y));  // nothing is recorded, so nothing is lost
  CHECK(x.is_leaf());
  CHECK_FALSE(same.is_leaf());
  CHECK(same.shares_storage(x));
  same.sum().backward();
  CHECK(equal(x.grad(), ones({2})));
  CHECK_THROWS_WITH_AS(x.set_grad(x), "set_grad: a tensor cannot be its own gradient", Error);
}
