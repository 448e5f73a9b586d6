#include <doctest/doctest.h>

#include <cmath>

#include <kiln/metrics/interval.h>
#include <kiln/metrics/paired.h>

#include "metrics/random_data.h"
#include "support/files.h"

namespace kiln {
namespace {

using doctest::Approx;

bool same(const metrics::Interval& a, const metrics::Interval& b) {
  return a.value == b.value && a.low == b.low && a.high == b.high;
}

}  // namespace

// Values of scipy.stats.norm.ppf.
TEST_CASE("metrics: quantiles of the normal distribution") {
  const std::pair<double, double> known[] = {{0.975, 1.959963984540054},   {0.5, 0},
                                             {0.9, 1.2815515655446004},    {0.45, -0.12566134685507402},
                                             {1e-10, -6.361340902404056},  {1e-300, -37.0470962993612},
                                             {0.0013498980316300933, -3.0}};
  for (const auto& row : known)
    CHECK(metrics::normal_quantile(row.first) == Approx(row.second).epsilon(1e-13));
  CHECK(std::isinf(metrics::normal_quantile(0)));
  CHECK(std::isnan(metrics::normal_quantile(1.1)));
}

// Values of statsmodels.stats.proportion.proportion_confint(method="wilson"), which its documentation
// defines.
TEST_CASE("metrics: Wilson's interval") {
  const metrics::Interval half = metrics::wilson(5, 10);
  CHECK(half.low == Approx(0.236593090512564).epsilon(1e-12));
  CHECK(half.high == Approx(0.763406909487436).epsilon(1e-12));
  const metrics::Interval all = metrics::wilson(10, 10);
  CHECK(all.high == 1);
  CHECK(all.low == Approx(10 / (10 + 1.959963984540054 * 1.959963984540054)).epsilon(1e-12));
  CHECK(metrics::wilson(0, 10).low == 0);
  CHECK(metrics::wilson(0, 0).high == 1);
  CHECK(test::error_of([] { metrics::wilson(3, 2); }) != "");
  CHECK(test::error_of([] { metrics::wilson(1, 2, 1); }) != "");
}

// A mean's bootstrap is known: its spread is that of the samples divided by the root of their number.
TEST_CASE("metrics: a bootstrap of a mean, by any number of threads") {
  test::Numbers numbers(5);
  const std::vector<double> values = numbers.uniforms(400);
  double mean = 0, square = 0;
  for (const double x : values) mean += x / 400, square += x * x / 400;
  const auto mean_of = [&](std::span<const int64_t> drawn) {
    double sum = 0;
    for (const int64_t i : drawn) sum += values[size_t(i)];
    return sum / double(drawn.size());
  };
  const double spread = std::sqrt((square - mean * mean) / 400);
  for (const bool bca : {false, true}) {
    const metrics::Interval one =
        metrics::bootstrap(400, mean_of, {.resamples = 4000, .bca = bca, .threads = 1});
    CHECK(one.value == Approx(mean));
    CHECK(one.low == Approx(mean - 1.96 * spread).epsilon(0.004));
    CHECK(one.high == Approx(mean + 1.96 * spread).epsilon(0.004));
    CHECK(same(one, metrics::bootstrap(400, mean_of, {.resamples = 4000, .bca = bca, .threads = 3})));
    CHECK(!same(one, metrics::bootstrap(400, mean_of, {.resamples = 4000, .seed = 1, .bca = bca})));
  }
  CHECK(std::isnan(metrics::bootstrap(0, mean_of).low));
  CHECK(test::error_of([&] { metrics::bootstrap(4, mean_of, {.resamples = 1}); }) != "");
  CHECK(test::error_of([&] { metrics::bootstrap(4, mean_of, {.level = 0}); }) != "");
  CHECK(test::error_of([&] {
          metrics::bootstrap(9, [](std::span<const int64_t>) -> double { throw Error("no"); });
        }) == "no");
}

TEST_CASE("metrics: a bootstrap of a confusion matrix") {
  metrics::ConfusionMatrix confusion(2);
  confusion.update(tensor({0, 0, 0, 1, 1, 1, 1, 0}), tensor({0, 0, 0, 1, 1, 1, 0, 1}));
  const auto accuracy_of = [](const metrics::ConfusionMatrix& drawn) { return drawn.accuracy(); };
  const metrics::Interval drawn = metrics::bootstrap(confusion, accuracy_of);
  CHECK(drawn.value == 0.75);
  CHECK(drawn.low == 0.375);  // the quantiles of a binomial distribution of 8 and 3/4
  CHECK(drawn.high == 1);
  CHECK(same(drawn, metrics::bootstrap(confusion, accuracy_of, {.threads = 4})));
  const metrics::Interval corrected = metrics::bootstrap(confusion, accuracy_of, {.bca = true});
  CHECK(corrected.low < corrected.high);
  confusion.update(tensor({0}), tensor({0}), tensor({2.0}));
  CHECK(test::contains(test::error_of([&] { metrics::bootstrap(confusion, accuracy_of); }), "weights"));
}

// The worked example of Fagerland, Lydersen and Laake: 1 and 7 discordant pairs.
TEST_CASE("metrics: McNemar's test") {
  const metrics::McNemar test = metrics::mcnemar(1, 7);
  CHECK(test.exact_p == Approx(18.0 / 256).epsilon(1e-14));
  CHECK(test.mid_p == Approx(10.0 / 256).epsilon(1e-14));
  CHECK(test.better_p == Approx(5.0 / 256).epsilon(1e-14));
  CHECK(metrics::mcnemar(7, 1).better_p == Approx(251.0 / 256).epsilon(1e-14));
  CHECK(metrics::mcnemar(2, 2).exact_p == 1);
  CHECK(metrics::mcnemar(2, 2).mid_p == Approx(1 - 0.5 * 6 / 16));
  CHECK(metrics::mcnemar(2, 2).better_p == 0.5);
  CHECK(metrics::mcnemar(0, 0).better_p == 1);
  // scipy.stats.binomtest(499000, 1000000).pvalue
  CHECK(metrics::mcnemar(499000, 501000).exact_p == Approx(0.04560829986537963).epsilon(1e-11));
  CHECK(test::error_of([] { metrics::mcnemar(-1, 2); }) != "");
  const metrics::McNemar outcomes = metrics::mcnemar(tensor({1, 1, 0, 0, 1}), tensor({1, 0, 1, 0, 0}));
  CHECK(outcomes.samples == 5);
  CHECK(outcomes.both == 1);
  CHECK(outcomes.only_first == 2);
  CHECK(outcomes.only_second == 1);
  CHECK(outcomes.neither == 1);
  CHECK(test::error_of([] { metrics::mcnemar(tensor({2}), tensor({1})); }) != "");
}

TEST_CASE("metrics: a paired bootstrap sees what two intervals hide") {
  test::Numbers numbers(9);
  std::vector<double> first = numbers.uniforms(300), second;
  for (const double x : first) second.push_back(x + 0.01 * (numbers.uniform() - 0.2));
  const metrics::PairedDifference pair =
      metrics::paired_bootstrap(from_values(first, {300}), from_values(second, {300}));
  CHECK(pair.difference.value == Approx(0.003).epsilon(0.3));
  CHECK(pair.difference.low > 0);
  CHECK(pair.better == 1);
  const metrics::PairedDifference none =
      metrics::paired_bootstrap(from_values(first, {300}), from_values(first, {300}));
  CHECK(none.difference.high == 0);
  CHECK(none.better == 0.5);
}

}  // namespace kiln
