#pragma once

#include <kiln/metrics/interval.h>

namespace kiln::metrics {

// Two models on the same samples: how often only one of them was right, and how likely at least such a
// difference is when they are equally good.
struct McNemar {
  int64_t samples = 0, both = 0, neither = 0;
  int64_t only_first = 0, only_second = 0;
  double exact_p = 1;   // two-sided, the exact conditional test
  double mid_p = 1;     // two-sided, less conservative (Fagerland, Lydersen and Laake, 2013)
  double better_p = 1;  // one-sided mid-p of "the second is better": small when it is
};

// first, second: bool, uint8 or int64 of one shape, 1 where that model is right. Throws for other shapes and
// values.
McNemar mcnemar(const Tensor& first, const Tensor& second);
// From the counts alone. Throws for negative ones.
McNemar mcnemar(int64_t only_first, int64_t only_second);

// second's mean minus first's, of values that each sample has (1 and 0 of right and wrong, losses, ...), with
// the interval of a bootstrap that draws pairs.
struct PairedDifference {
  Interval difference;
  double better = 0;  // the share of resamples in which the second has the higher mean, ties half
};
PairedDifference paired_bootstrap(const Tensor& first, const Tensor& second,
                                  const BootstrapOptions& options = {});

// The same for any figure of both: figure(1, drawn) - figure(0, drawn) of the drawn samples.
PairedDifference paired_bootstrap(int64_t samples,
                                  const Function<double(int model, std::span<const int64_t> drawn)>& figure,
                                  const BootstrapOptions& options = {});

}  // namespace kiln::metrics
