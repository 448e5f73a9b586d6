#include <kiln/metrics/paired.h>

#include <algorithm>
#include <cmath>

#include <kiln/metrics/inputs.h>
#include <kiln/metrics/intervals/draws.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::metrics {
namespace {

// Of n throws of a coin exactly k are heads. In long double, since log gamma of a million has 7 digits before
// the point.
long double chance_of(int64_t k, int64_t n) {
  const auto log_factorial = [](int64_t x) { return std::lgamma(static_cast<long double>(x) + 1); };
  return std::exp(log_factorial(n) - log_factorial(k) - log_factorial(n - k) -
                  static_cast<long double>(n) * std::log(2.0L));
}

// At most k are; k at most n / 2 + 1, from where terms fall.
long double chance_of_at_most(int64_t k, int64_t n) {
  long double term = chance_of(k, n), sum = 0;
  for (; k >= 0 && term > sum * 1e-22L; --k) {
    sum += term;
    term *= static_cast<long double>(k) / static_cast<long double>(n - k + 1);
  }
  return sum;
}

}  // namespace

McNemar mcnemar(int64_t only_first, int64_t only_second) {
  if (only_first < 0 || only_second < 0)
    fail("mcnemar: counts must not be negative, got {} and {}", only_first, only_second);
  McNemar result = {.only_first = only_first, .only_second = only_second};
  const int64_t n = only_first + only_second, least = std::min(only_first, only_second);
  if (n == 0) return result;
  const long double tail = chance_of_at_most(least, n), at = chance_of(least, n);
  result.exact_p = double(std::min(1.0L, 2 * tail));
  result.mid_p = only_first == only_second ? double(1 - at / 2) : double(2 * tail - at);
  // At least only_second of n, the observed count by half.
  const long double one_sided = tail - at / 2;
  result.better_p = double(only_second >= only_first ? one_sided : 1 - one_sided);
  return result;
}

McNemar mcnemar(const Tensor& first, const Tensor& second) {
  if (!first.defined()) fail("mcnemar: the first tensor is undefined");
  const std::vector<double> a = read_numbers("mcnemar", "the first", first, first.shape());
  const std::vector<double> b = read_numbers("mcnemar", "the second", second, first.shape());
  int64_t counts[2][2] = {};
  for (size_t i = 0; i < a.size(); ++i) {
    if ((a[i] != 0 && a[i] != 1) || (b[i] != 0 && b[i] != 1))
      fail("mcnemar: sample {} has the outcomes {} and {}, 0 or 1 was expected", i, a[i], b[i]);
    ++counts[int(a[i])][int(b[i])];
  }
  McNemar result = mcnemar(counts[1][0], counts[0][1]);
  result.samples = int64_t(a.size());
  result.both = counts[1][1];
  result.neither = counts[0][0];
  return result;
}

PairedDifference paired_bootstrap(int64_t samples,
                                  const Function<double(int model, std::span<const int64_t> drawn)>& figure,
                                  const BootstrapOptions& options) {
  if (samples == 0) return {bootstrap(0, {}, options), 0.5};
  Resampled figures = resample(
      samples, [&](std::span<const int64_t> drawn) { return figure(1, drawn) - figure(0, drawn); }, options);
  double better = 0, all = 0;
  for (const double difference : figures.resamples) {
    if (std::isnan(difference)) continue;
    better += difference > 0 ? 1 : difference == 0 ? 0.5 : 0;
    all += 1;
  }
  return {interval_of(std::move(figures), options), better / all};
}

PairedDifference paired_bootstrap(const Tensor& first, const Tensor& second,
                                  const BootstrapOptions& options) {
  if (!first.defined()) fail("paired_bootstrap: the first tensor is undefined");
  const std::vector<double> a = read_numbers("paired_bootstrap", "the first", first, first.shape());
  const std::vector<double> b = read_numbers("paired_bootstrap", "the second", second, first.shape());
  const auto mean_of = [&](int model, std::span<const int64_t> drawn) {
    double sum = 0;
    for (const int64_t i : drawn) sum += (model == 0 ? a : b)[size_t(i)];
    return sum / double(drawn.size());
  };
  return paired_bootstrap(int64_t(a.size()), mean_of, options);
}

}  // namespace kiln::metrics
