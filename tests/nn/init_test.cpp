#include <doctest/doctest.h>

#include <cmath>

#include <kiln/kiln.h>

using namespace kiln;
namespace init = kiln::nn::init;

namespace {

struct Statistics {
  double mean, std, low, high;
};

Statistics statistics(const Tensor& x) {
  const std::vector<double> values = x.to_vector<double>();
  Statistics result{0, 0, values[0], values[0]};
  double squares = 0;
  for (const double v : values) {
    result.mean += v / double(values.size());
    squares += v * v / double(values.size());
    result.low = std::min(result.low, v);
    result.high = std::max(result.high, v);
  }
  result.std = std::sqrt(squares - result.mean * result.mean);
  return result;
}

// Of 100,000 and more draws: within 2 % of the standard deviation.
void check_uniform(const Tensor& x, double bound) {
  const Statistics s = statistics(x);
  CHECK(std::abs(s.mean) < 0.02 * bound);
  CHECK(s.std == doctest::Approx(bound / std::sqrt(3.0)).epsilon(0.02));
  CHECK(s.low >= -bound);
  CHECK(s.high <= bound);
  CHECK(s.high > 0.99 * bound);
}

void check_normal(const Tensor& x, double std) {
  const Statistics s = statistics(x);
  CHECK(std::abs(s.mean) < 0.02 * std);
  CHECK(s.std == doctest::Approx(std).epsilon(0.02));
  CHECK(s.high > 3 * std);
}

}  // namespace

TEST_CASE("layers start as PyTorch's do") {
  manual_seed(1);
  const nn::Linear fc(400, 300);
  check_uniform(fc.weight, 1 / std::sqrt(400.0));
  const nn::Linear wide(16, 100000);
  check_uniform(wide.bias, 0.25);
  const nn::Conv2d conv(64, 256, 3, {.groups = 2});
  check_uniform(conv.weight, 1 / std::sqrt(32 * 9.0));
  CHECK(statistics(conv.bias).high <= 1 / std::sqrt(32 * 9.0));
  const nn::BatchNorm2d bn(3);
  CHECK(bn.weight.to_vector<float>() == std::vector<float>{1, 1, 1});
  CHECK(bn.running_var.to_vector<float>() == std::vector<float>{1, 1, 1});
  CHECK(bn.num_batches_tracked.dtype() == int64);
}

TEST_CASE("the seed decides the parameters") {
  manual_seed(7);
  const nn::Linear a(3, 4);
  const nn::Linear b(3, 4);
  manual_seed(7);
  const nn::Linear c(3, 4);
  CHECK(equal(a.weight, c.weight));
  CHECK(equal(a.bias, c.bias));
  CHECK(!equal(a.weight, b.weight));
}

TEST_CASE("distributions have their moments") {
  manual_seed(2);
  const Tensor x = empty({500, 25, 3, 3});  // fan_in 225, fan_out 4500
  check_uniform(init::kaiming_uniform_(x), std::sqrt(6 / 225.0));
  check_uniform(init::kaiming_uniform_(x, {.a = 1, .mode = init::FanMode::fan_out}), std::sqrt(3 / 4500.0));
  check_normal(init::kaiming_normal_(x, {.nonlinearity = init::Nonlinearity::tanh}), 5 / 3.0 / 15);
  check_uniform(init::xavier_uniform_(x), std::sqrt(6 / 4725.0));
  check_normal(init::xavier_normal_(x, 2), 2 * std::sqrt(2 / 4725.0));
  check_normal(init::normal_(x, 0, 3), 3);
  check_uniform(init::uniform_(x, -2, 2), 2);
}

TEST_CASE("the truncated normal stays in its range") {
  manual_seed(3);
  const Tensor x = empty({100000});
  Statistics s = statistics(init::trunc_normal_(x));
  CHECK(s.low >= -2);
  CHECK(s.high <= 2);
  CHECK(std::abs(s.mean) < 0.02);
  CHECK(s.std == doctest::Approx(0.8796).epsilon(0.02));  // scipy.stats.truncnorm(-2, 2).std()
  s = statistics(init::trunc_normal_(x, 1, 0.1, 1.3, 9));
  CHECK(s.low >= float(1.3));
  CHECK(s.mean == doctest::Approx(1.32831).epsilon(0.001));  // scipy.stats.truncnorm(3, 80, 1, 0.1).mean()
  s = statistics(init::trunc_normal_(x, 0, 1, 50, 51));      // nothing of the distribution is left there
  CHECK(s.low >= 50);
  CHECK(s.high <= 51);
}

TEST_CASE("orthogonal matrices") {
  manual_seed(4);
  for (const Shape& shape : {Shape{5, 5}, Shape{3, 8}, Shape{8, 3}, Shape{4, 2, 3, 3}}) {
    const Tensor x = init::orthogonal_(empty(shape, {.dtype = float64}), 2).reshape({shape[0], -1});
    const int64_t rank = std::min(x.size(0), x.size(1));
    const Tensor product = x.size(0) <= x.size(1) ? matmul(x, x.t()) : matmul(x.t(), x);
    CHECK(allclose(product, eye(rank, rank, {.dtype = float64}) * 4, 1e-12, 1e-12));
  }
}

TEST_CASE("identities") {
  CHECK(equal(init::eye_(empty({2, 3})), tensor({{1.f, 0.f, 0.f}, {0.f, 1.f, 0.f}})));
  const Tensor x = rand({1, 4, 5, 5});
  CHECK(equal(conv2d(x, init::dirac_(empty({4, 4, 3, 3})), {}, {.padding = 1}), x));
  CHECK(equal(conv2d(x, init::dirac_(empty({4, 2, 3, 3}), 2), {}, {.padding = 1, .groups = 2}), x));
}

TEST_CASE("gains") {
  using enum init::Nonlinearity;
  CHECK(init::calculate_gain(linear) == 1);
  CHECK(init::calculate_gain(sigmoid) == 1);
  CHECK(init::calculate_gain(init::Nonlinearity::tanh) == doctest::Approx(5 / 3.0));
  CHECK(init::calculate_gain(init::Nonlinearity::relu) == doctest::Approx(std::sqrt(2.0)));
  CHECK(init::calculate_gain(init::Nonlinearity::leaky_relu, 0.2) == doctest::Approx(std::sqrt(2 / 1.04)));
  CHECK(init::calculate_gain(selu) == 0.75);
}

TEST_CASE("initialisation leaves no history and keeps requires_grad") {
  nn::Linear fc(3, 2);
  init::xavier_uniform_(fc.weight);
  init::orthogonal_(fc.weight);
  CHECK(fc.weight.is_leaf());
  CHECK(fc.weight.requires_grad());
}

TEST_CASE("impossible initialisations are errors") {
  CHECK_THROWS_WITH_AS(init::kaiming_uniform_(empty({3})),
                       "init: fan_in and fan_out need at least two dimensions, the tensor is [3]", Error);
  CHECK_THROWS_WITH_AS(init::eye_(empty({3})), "eye_: needs a matrix, got [3]", Error);
  CHECK_THROWS_WITH_AS(init::trunc_normal_(empty({3}), 0, 1, 2, -2),
                       "trunc_normal_: needs std > 0 and low < high, got std 1, low 2, high -2", Error);
  CHECK_THROWS_WITH_AS(init::dirac_(empty({3, 2, 1}), 2), "dirac_: 2 groups do not divide 3 output channels",
                       Error);
}
