#pragma once

#include <cstdint>
#include <span>

#include <kiln/metrics/confusion_matrix.h>
#include <kiln/tensor/base/function.h>

namespace kiln::metrics {

// A figure and what it may be with another sample of the same kind.
struct Interval {
  double value = 0;
  double low = 0, high = 0;
};

// The x below which a standard normal number lies with probability p in 0 .. 1.
double normal_quantile(double p);

// Wilson's interval of a share ("Probable inference, the law of succession, and statistical inference", 1927)
// for `right` of `samples`; 0 .. 1 without samples. Throws when right is not in 0 .. samples or level not
// between 0 and 1.
Interval wilson(int64_t right, int64_t samples, double level = 0.95);

struct BootstrapOptions {
  int64_t resamples = 2000;
  double level = 0.95;
  uint64_t seed = 0;
  // Bias-corrected and accelerated (Efron, "Better bootstrap confidence intervals", 1987): better for skewed
  // figures. Takes as many more evaluations as there are samples.
  bool bca = false;
  int threads = 0;  // 0: num_threads(); changes no bit
};

// The interval of a figure by drawing its samples again, with replacement. Drawing r is a function of (seed,
// r, number of samples) alone, by Philox. The figure is called by several threads at once with the indices of
// the drawn samples, 0 .. samples - 1, in the order of drawing; drawings for which it is NaN do not count.
// All NaN without samples or when each drawing is. Throws for fewer than 2 resamples and bad levels.
//
//     const std::vector<double> seconds = {1.5, 1.2, 1.9, 1.4};
//     const auto longest = [&](std::span<const int64_t> drawn) {
//       double most = 0;
//       for (const int64_t i : drawn) most = std::max(most, seconds[size_t(i)]);
//       return most;
//     };
//     const metrics::Interval interval = metrics::bootstrap(4, longest);
Interval bootstrap(int64_t samples, const Function<double(std::span<const int64_t>)>& figure,
                   const BootstrapOptions& options = {});

// The same of a figure that a confusion matrix gives. Samples are drawn from its cells, so no more than the
// matrix is needed, and merges change nothing. Throws for a weighted one.
//
//     const metrics::ConfusionMatrix confusion(10);
//     const metrics::Interval f1 = metrics::bootstrap(confusion, [](const auto& drawn) { return drawn.f1(); });
Interval bootstrap(const ConfusionMatrix& confusion, const Function<double(const ConfusionMatrix&)>& figure,
                   const BootstrapOptions& options = {});

}  // namespace kiln::metrics
