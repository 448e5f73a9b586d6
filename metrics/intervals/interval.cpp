#include <kiln/metrics/interval.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <kiln/metrics/intervals/draws.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::metrics {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr Interval kNothing = {kNan, kNan, kNan};

}  // namespace

// Newton's steps on log(erfc), which converge from afar, too; in the lower half, where it is exact.
double normal_quantile(double p) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  if (!(p >= 0 && p <= 1)) return kNan;
  if (p == 0 || p == 1) return p == 0 ? -kInfinite : kInfinite;
  if (p > 0.5) return -normal_quantile(1 - p);
  double x = p < 0.4 ? -std::sqrt(-2 * std::log(p)) : 0;
  constexpr int kMost = 100;
  for (int i = 0; i < kMost; ++i) {
    const double share = std::erfc(-x / std::sqrt(2.0)) / 2;
    const double density = std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0));
    if (!(share > 0 && density > 0)) {
      x /= 2;
      continue;
    }
    const double step = std::log(share / p) * share / density;
    x -= step;
    if (std::abs(step) <= 1e-16 * std::max(1.0, std::abs(x))) break;
  }
  return x;
}

Interval wilson(int64_t right, int64_t samples, double level) {
  if (right < 0 || right > samples)
    fail("wilson: {} right ones of {} samples are not possible", right, samples);
  if (!(level > 0 && level < 1)) fail("wilson: the level must be between 0 and 1, got {}", level);
  if (samples == 0) return {kNan, 0, 1};
  const double n = double(samples), p = double(right) / n, z = normal_quantile((1 + level) / 2);
  const double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {p, right == 0 ? 0 : std::max(0.0, middle - half),
          right == samples ? 1 : std::min(1.0, middle + half)};
}

Interval bootstrap(int64_t samples, const Function<double(std::span<const int64_t>)>& figure,
                   const BootstrapOptions& options) {
  if (samples == 0) return kNothing;
  return interval_of(resample(samples, figure, options), options);
}

// Samples stand in the order of their cells, so that a drawn index means a cell.
class ConfusionDraw {
 public:
  explicit ConfusionDraw(const ConfusionMatrix& confusion) : confusion_(confusion) {
    if (confusion.is_weighted())
      fail("bootstrap: samples with weights cannot be drawn from a confusion matrix");
    for (const int64_t count : confusion.counts_) ends_.push_back(count + (ends_.empty() ? 0 : ends_.back()));
    if (samples() > UINT32_MAX)
      fail("bootstrap: at most {} samples can be drawn, got {}", UINT32_MAX, samples());
    cells_.reserve(size_t(samples()));
    for (size_t cell = 0; cell < ends_.size(); ++cell) cells_.resize(size_t(ends_[cell]), uint32_t(cell));
  }

  int64_t samples() const { return ends_.back(); }

  ConfusionMatrix drawn(uint64_t seed, int64_t resample) const {
    std::vector<int64_t> indices(static_cast<size_t>(samples()));
    draw(seed, resample, samples(), indices);
    ConfusionMatrix result(confusion_.classes_, confusion_.options_);
    for (const int64_t index : indices) ++result.counts_[cells_[size_t(index)]];
    return result;
  }

  std::vector<Jackknife> jackknife(const Function<double(const ConfusionMatrix&)>& figure) const {
    std::vector<Jackknife> values;
    ConfusionMatrix rest = confusion_;
    for (int64_t& count : rest.counts_) {
      if (count == 0) continue;
      --count;
      const double without = figure(rest);
      ++count;
      values.push_back({without, double(count)});
    }
    return values;
  }

 private:
  const ConfusionMatrix& confusion_;
  std::vector<int64_t> ends_;
  std::vector<uint32_t> cells_;
};

Interval bootstrap(const ConfusionMatrix& confusion, const Function<double(const ConfusionMatrix&)>& figure,
                   const BootstrapOptions& options) {
  check(options);
  const ConfusionDraw samples(confusion);
  if (samples.samples() == 0) return kNothing;
  Resampled figures = {.value = figure(confusion), .resamples = each_resample(options, [&](int64_t r) {
                                                     return figure(samples.drawn(options.seed, r));
                                                   })};
  if (options.bca && samples.samples() > 1) figures.jackknife = samples.jackknife(figure);
  return interval_of(std::move(figures), options);
}

}  // namespace kiln::metrics
