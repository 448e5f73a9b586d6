#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <kiln/metrics/exact_sum.h>

#include "metrics/random_data.h"
#include "support/files.h"

namespace kiln {
namespace {

double sum_of(const std::vector<double>& values) {
  metrics::ExactSum sum;
  for (const double x : values) sum.add(x);
  return sum.value();
}

}  // namespace

TEST_CASE("metrics: an exact sum rounds once") {
  constexpr double kLeast = std::numeric_limits<double>::denorm_min();
  constexpr double kMost = std::numeric_limits<double>::max();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  CHECK(sum_of({}) == 0);
  CHECK(sum_of({1e100, 1, -1e100}) == 1);
  CHECK(sum_of({0.1, 0.2, 0.3, -0.6}) == doctest::Approx(2.7755575615628914e-17).epsilon(1e-15));
  CHECK(sum_of({kLeast, kLeast}) == 2 * kLeast);
  CHECK(sum_of({kMost, kMost, -kMost}) == kMost);
  CHECK(sum_of({kMost, kMost}) == kInfinity);
  CHECK(sum_of({kMost, 1, -kMost, kLeast}) == 1);
  CHECK(sum_of({-1, -0x1p-53}) == -1);  // a tie goes to even
  CHECK(sum_of({-1, -0x1p-52, -0x1p-53}) == -1 - 0x1p-51);
  CHECK(sum_of({1, 0x1p-53, kLeast}) == 1 + 0x1p-52);
  CHECK(sum_of({-1, 1}) == 0);
  CHECK(sum_of({0x1.fffffffffffffp0, 0x1p-53}) == 2);
  CHECK(sum_of({kInfinity, 1}) == kInfinity);
  CHECK(sum_of({1, -kInfinity}) == -kInfinity);
  CHECK(std::isnan(sum_of({kInfinity, -kInfinity})));
  CHECK(std::isnan(sum_of({1, std::nan("")})));
}

TEST_CASE("metrics: neither order nor merges change a bit of an exact sum") {
  test::Numbers numbers(1);
  std::vector<double> values;
  for (int i = 0; i < 2000; ++i)
    values.push_back((numbers.uniform() - 0.5) * std::pow(10.0, double(numbers.below(40)) - 20));
  const double expected = sum_of(values);
  for (int round = 0; round < 20; ++round) {
    for (size_t i = values.size(); i > 1; --i)
      std::swap(values[i - 1], values[size_t(numbers.below(int64_t(i)))]);
    CHECK(sum_of(values) == expected);
    std::vector<metrics::ExactSum> parts(size_t(1 + numbers.below(7)));
    for (const double x : values) parts[size_t(numbers.below(int64_t(parts.size())))].add(x);
    metrics::ExactSum all;
    for (const metrics::ExactSum& part : parts) all.merge(metrics::ExactSum::from_state(part.state()));
    CHECK(all.value() == expected);
  }
}

TEST_CASE("metrics: the rest of an exact sum is what rounding took") {
  metrics::ExactSum sum;
  for (const double x : {1.0, 0x1p-60, -0x1p-90}) sum.add(x);
  CHECK(sum.value() == 1);
  CHECK(sum.rest() == 0x1p-60 - 0x1p-90);
  metrics::ExactSum product;
  product.add_product(1 + 0x1p-30, 1 + 0x1p-30);
  CHECK(product.value() == 1 + 0x1p-29);
  CHECK(product.rest() == 0x1p-60);
}

TEST_CASE("metrics: a damaged state of a sum is refused") {
  metrics::ExactSum sum;
  sum.add(1);
  for (const char* key : {"first", "special"}) {
    Value state = sum.state();
    state[key] = -5;
    CHECK(test::contains(test::error_of([&] { metrics::ExactSum::from_state(state); }), "damaged"));
  }
  CHECK(test::error_of([] { metrics::ExactSum::from_state(Value::dict()); }) != "");
}

}  // namespace kiln
