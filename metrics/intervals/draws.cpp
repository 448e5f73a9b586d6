#include <kiln/metrics/intervals/draws.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <limits>
#include <numeric>
#include <thread>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cpu/context.h>
#include <kiln/tensor/random.h>

namespace kiln::metrics {
namespace {

// Words of 32 bits of one resample, which has 2^40 blocks of its own.
class Words {
 public:
  Words(uint64_t seed, int64_t resample) : seed_(seed ^ kUse), offset_(uint64_t(resample) << 40) {}
  uint32_t next() {
    if (left_ == 0) {
      block_ = philox(seed_, offset_++);
      left_ = 4;
    }
    return block_.words[4 - left_--];
  }

 private:
  static constexpr uint64_t kUse = 0x6D65'7472'6963'7331;  // so that a loader of that seed draws others
  uint64_t seed_, offset_;
  PhiloxBlock block_ = {};
  int left_ = 0;
};

// Lemire, "Fast random integer generation in an interval", 2019.
uint32_t below(Words& words, uint32_t bound) {
  uint64_t product = uint64_t(words.next()) * bound;
  if (uint32_t(product) < bound) {
    const uint32_t least = -bound % bound;
    while (uint32_t(product) < least) product = uint64_t(words.next()) * bound;
  }
  return uint32_t(product >> 32);
}

double normal_share(double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; }

// Linear between the sorted values, as NumPy's.
double percentile(const std::vector<double>& sorted, double share) {
  const double at = std::clamp(share, 0.0, 1.0) * double(sorted.size() - 1);
  const auto i = size_t(at);
  if (i + 1 >= sorted.size()) return sorted.back();
  return sorted[i] + (at - double(i)) * (sorted[i + 1] - sorted[i]);
}

double acceleration(const std::vector<Jackknife>& jackknife) {
  double count = 0, mean = 0, squares = 0, cubes = 0;
  for (const Jackknife& left : jackknife) count += left.times, mean += left.times * left.value;
  mean /= count;
  for (const Jackknife& left : jackknife) {
    const double apart = mean - left.value;
    squares += left.times * apart * apart;
    cubes += left.times * apart * apart * apart;
  }
  return squares > 0 ? cubes / (6 * std::pow(squares, 1.5)) : 0;
}

}  // namespace

void draw(uint64_t seed, int64_t resample, int64_t count, std::span<int64_t> drawn) {
  Words words(seed, resample);
  for (int64_t& index : drawn) index = below(words, uint32_t(count));
}

void check(const BootstrapOptions& options) {
  constexpr int64_t kMost = 10'000'000;
  if (options.resamples < 2 || options.resamples > kMost)
    fail("bootstrap: the number of resamples must be in 2 .. {}, got {}", kMost, options.resamples);
  if (!(options.level > 0 && options.level < 1))
    fail("bootstrap: the level must be between 0 and 1, got {}", options.level);
}

std::vector<double> each_resample(const BootstrapOptions& options, const Function<double(int64_t)>& figure) {
  std::vector<double> values(size_t(options.resamples));
  std::atomic<int64_t> next = 0;
  std::exception_ptr failure;
  std::atomic<bool> failed = false;
  const auto work = [&] {
    try {
      for (int64_t r; !failed && (r = next++) < options.resamples;) values[size_t(r)] = figure(r);
    } catch (...) {
      if (!failed.exchange(true)) failure = std::current_exception();
    }
  };
  const int64_t wanted = options.threads > 0 ? options.threads : num_threads();
  std::vector<std::thread> threads;
  for (int64_t i = 1; i < std::min(wanted, options.resamples); ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
  return values;
}

Resampled resample(int64_t samples, const Function<double(std::span<const int64_t>)>& figure,
                   const BootstrapOptions& options) {
  check(options);
  if (samples < 1 || samples > UINT32_MAX)
    fail("bootstrap: the number of samples must be in 1 .. {}, got {}", UINT32_MAX, samples);
  std::vector<int64_t> all(static_cast<size_t>(samples));
  std::iota(all.begin(), all.end(), 0);
  Resampled result = {.value = figure(all), .resamples = each_resample(options, [&](int64_t r) {
                                              std::vector<int64_t> drawn(static_cast<size_t>(samples));
                                              draw(options.seed, r, samples, drawn);
                                              return figure(drawn);
                                            })};
  if (!options.bca || samples == 1) return result;
  BootstrapOptions each = options;
  each.resamples = samples;
  const std::vector<double> without = each_resample(each, [&](int64_t left_out) {
    std::vector<int64_t> rest = all;
    rest.erase(rest.begin() + left_out);
    return figure(rest);
  });
  for (const double x : without) result.jackknife.push_back({x, 1});
  return result;
}

Interval interval_of(Resampled figures, const BootstrapOptions& options) {
  const double value = figures.value;
  std::vector<double>& resampled = figures.resamples;
  std::erase_if(resampled, [](double x) { return std::isnan(x); });
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  if (resampled.empty()) return {value, kNan, kNan};
  std::sort(resampled.begin(), resampled.end());
  double low = (1 - options.level) / 2, high = 1 - low;
  if (!figures.jackknife.empty()) {
    const auto [first, last] = std::equal_range(resampled.begin(), resampled.end(), value);
    const double below = double(first - resampled.begin()) + double(last - resampled.begin());
    const double bias = normal_quantile(below / 2 / double(resampled.size()));
    const double a = acceleration(figures.jackknife);
    const auto moved = [&](double share) {
      const double z = bias + normal_quantile(share);
      return normal_share(bias + z / (1 - a * z));
    };
    // The figure lies outside of all resamples: there is nothing to correct by.
    if (std::isfinite(bias)) {
      const double moved_low = moved(low), moved_high = moved(high);
      low = moved_low, high = moved_high;
    }
  }
  return {value, percentile(resampled, low), percentile(resampled, high)};
}

}  // namespace kiln::metrics
