#include <doctest/doctest.h>
#include <support/check_op.h>

using namespace kiln;
using test::expect_error;

TEST_CASE("stochastic_depth zeroes whole samples and scales the others") {
  const Tensor x = ones({4000, 3, 2}).requires_grad_();
  Generator generator(7);
  const Tensor y = stochastic_depth(x, 0.2, StochasticDepthMode::row, true, &generator);
  const Tensor by_sample = y.detach().sum({1, 2}) / 6;
  CHECK(((by_sample == 0) | (abs(by_sample - 1.25) < 1e-6)).all().item<bool>());
  CHECK(by_sample.mean().item<float>() == doctest::Approx(1).epsilon(0.03));
  y.sum().backward();
  CHECK(equal(x.grad(), y.detach()));
}

TEST_CASE("stochastic_depth zeroes a batch at once, does nothing in inference, and all with probability 1") {
  const Tensor x = ones({64, 3});
  Generator generator(3);
  int zero = 0;
  for (int i = 0; i < 100; ++i) {
    const Tensor y = stochastic_depth(x, 0.5, StochasticDepthMode::batch, true, &generator);
    const float first = y[0][0].item<float>();
    CHECK((y == first).all().item<bool>());
    CHECK((first == 0 || first == 2));
    zero += first == 0;
  }
  CHECK(zero > 25);
  CHECK(zero < 75);
  CHECK(stochastic_depth(x, 0.5, StochasticDepthMode::row, false).is_same(x));
  CHECK((stochastic_depth(x, 1, StochasticDepthMode::row) == 0).all().item<bool>());
  expect_error("stochastic_depth: the probability must lie in [0, 1], got 1.5",
               [&] { stochastic_depth(x, 1.5, StochasticDepthMode::row); });
}
