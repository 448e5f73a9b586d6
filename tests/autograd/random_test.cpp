#include <doctest/doctest.h>
#include <kiln/tensor/cpu/context.h>
#include <support/check_op.h>

#include <algorithm>
#include <cmath>

using namespace kiln;
using namespace kiln::test;

namespace {

struct Row {
  std::vector<Shape> shapes;
};

uint32_t word(uint64_t seed, int64_t i) { return philox(seed, uint64_t(i) / 4).words[i % 4]; }

double mean_of(const Tensor& x) { return x.to(float64).mean().item<double>(); }

double deviation_of(const Tensor& x) {
  const Tensor wide = x.to(float64);
  return std::sqrt((wide - wide.mean()).square().mean().item<double>());
}

}  // namespace

TEST_CASE("random numbers are a function of seed and index") {
  Generator generator(42);
  const std::vector<float> x = rand({1001}, {}, &generator).to_vector<float>();
  for (int64_t i = 0; i < 1001; ++i) CHECK(x[size_t(i)] == float(word(42, i) >> 8) * 0x1p-24f);
  CHECK(generator.state().offset == 251);  // blocks of four
  generator.manual_seed(42);
  const std::vector<double> z = randn({10}, {.dtype = float64}, &generator).to_vector<double>();
  for (int64_t j = 0; j < 5; ++j) {
    const auto unit = [&](int64_t k) {
      return double((uint64_t(word(42, 2 * k + 1)) << 32 | word(42, 2 * k)) >> 11) * 0x1p-53;
    };
    const double radius = std::sqrt(-2 * std::log(1 - unit(2 * j))), angle = 2 * M_PI * unit(2 * j + 1);
    CHECK(std::abs(z[size_t(2 * j)] - radius * std::cos(angle)) < 1e-13);
    CHECK(std::abs(z[size_t(2 * j + 1)] - radius * std::sin(angle)) < 1e-13);
  }
}

TEST_CASE("random numbers do not depend on threads, and states resume") {
  const auto draw = [](int threads) {
    set_num_threads(threads);
    Generator generator(7);
    Tensors drawn = {rand({30011}, {}, &generator), randn({30011}, {}, &generator),
                     randint(0, 10, {30011}, {}, &generator), dropout(ones({30011}), 0.3, true, &generator),
                     bernoulli(full({30011}, 0.25), &generator)};
    return drawn;
  };
  const int threads = num_threads();
  const Tensors one = draw(1), four = draw(4);
  set_num_threads(threads);
  for (size_t i = 0; i < one.size(); ++i) CHECK(equal(one[i], four[i]));
  Generator generator(3);
  randn({5}, {}, &generator);
  const PhiloxState state = generator.state();
  const Tensor next = randn({100}, {}, &generator);
  generator.set_state(state);
  CHECK(equal(randn({100}, {}, &generator), next));
  // A prefix is a prefix: also across the vector width.
  Generator a(5), b(5);
  CHECK(equal(randn({37}, {}, &a), randn({1000}, {}, &b).narrow(0, 0, 37)));
}

TEST_CASE("distributions") {
  manual_seed(1);
  for (const DType dtype : {float32, float64, float16, bfloat16}) {
    INFO(name_of(dtype));
    const Tensor u = rand({200000}, {.dtype = dtype}), n = randn({200000}, {.dtype = dtype});
    CHECK(mean_of(u) == doctest::Approx(0.5).epsilon(0.01));
    CHECK(u.to(float64).max().item<double>() < 1);
    CHECK(u.to(float64).min().item<double>() >= 0);
    CHECK(std::abs(mean_of(n)) < 0.02);
    CHECK(deviation_of(n) == doctest::Approx(1).epsilon(0.02));
    CHECK(isfinite(n).to(float64).mean().item<double>() == 1);
  }
  const Tensor u = empty({100000}).uniform_(-3, 5), n = empty({100000}).normal_(2, 3);
  CHECK(mean_of(u) == doctest::Approx(1).epsilon(0.05));
  CHECK(mean_of(n) == doctest::Approx(2).epsilon(0.05));
  CHECK(deviation_of(n) == doctest::Approx(3).epsilon(0.02));
  const Tensor k = randint(-5, 5, {100000});
  CHECK(mean_of(k) == doctest::Approx(-0.5).epsilon(0.1));
  CHECK(k.max().item<int64_t>() == 4);
  CHECK(k.min().item<int64_t>() == -5);
  CHECK(randint(INT64_MIN, INT64_MAX, {4}).dtype() == int64);
  CHECK(mean_of(bernoulli(full({100000}, 0.3))) == doctest::Approx(0.3).epsilon(0.03));
  CHECK(equal(bernoulli(tensor({0., 1.})), tensor({0., 1.})));
  CHECK(rand({0}).numel() == 0);
  CHECK(randn({}).dim() == 0);
}

TEST_CASE("randperm orders everything once") {
  std::vector<int64_t> order = randperm(1000).to_vector<int64_t>();
  CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  CHECK(order == arange(1000).to_vector<int64_t>());
  CHECK(randperm(0).numel() == 0);
}

TEST_CASE("values go by the row-major index, whatever the memory order") {
  manual_seed(9);
  const Tensor plain = empty({2, 3, 4, 5}).normal_();
  manual_seed(9);
  const Tensor nhwc = empty({2, 3, 4, 5}, {.memory_format = MemoryFormat::channels_last}).normal_();
  CHECK(equal(plain, nhwc));
  manual_seed(9);
  const Tensor part = zeros({120, 2});
  part.select(1, 1).normal_();
  CHECK(equal(part.select(1, 1), plain.flatten()));
  CHECK(equal(part.select(1, 0), zeros({120})));
  CHECK(randn_like(nhwc).is_contiguous(MemoryFormat::channels_last));
}

TEST_CASE("dropout") {
  check_op<Row>({.name = "dropout",
                 .op =
                     [](const Tensors& in, const Row&) {
                       Generator generator(4);
                       return dropout(in[0].contiguous(), 0.4, true,
                                      &generator);  // numbers go in memory order
                     },
                 .rows = {{{{7, 9}}}, {{{2, 3, 4, 5}}}, {{{}}}, {{{0}}}}});
  const Tensor x = ones({100000}), y = dropout(x, 0.25);
  CHECK(mean_of(y) == doctest::Approx(1).epsilon(0.02));
  CHECK(mean_of(y == 0) == doctest::Approx(0.25).epsilon(0.03));
  CHECK(dropout(x, 0.5, false).is_same(x));
  CHECK(equal(dropout(x, 1), zeros_like(x)));
  CHECK(equal(dropout(full({3}, INFINITY), 1), zeros({3})));
  expect_error("dropout: the probability must lie in [0, 1], got 1.5", [&] { dropout(x, 1.5); });
  expect_error("dropout: needs floating-point numbers", [] { dropout(tensor({1}), 0.5); });
}

TEST_CASE("random: errors") {
  expect_error("rand: needs a floating-point dtype, got int64", [] { rand({2}, {.dtype = int64}); });
  expect_error("randint: low 3 must be below high 3", [] { randint(3, 3, {2}); });
  expect_error("randint: 0 .. 300 does not fit into uint8", [] { randint(0, 301, {2}, {.dtype = uint8}); });
  expect_error("randperm: n must not be negative", [] { randperm(-1); });
  expect_error("bernoulli: probabilities must lie in [0, 1]", [] { bernoulli(tensor({1.5f})); });
  expect_error("bernoulli: probabilities must lie in [0, 1]", [] { bernoulli(tensor({NAN})); });
  expect_error("normal_: std must not be negative", [] { ones({2}).normal_(0, -1); });
  expect_error("leaf that requires grad", [] { ones({2}).requires_grad_().normal_(); });
}
