#pragma once

// Internal: what all bootstraps share.

#include <vector>

#include <kiln/metrics/interval.h>

namespace kiln::metrics {

// Fills `drawn` with numbers of 0 .. count - 1, all equally likely; a function of (seed, resample, count).
void draw(uint64_t seed, int64_t resample, int64_t count, std::span<int64_t> drawn);

// figure(r) for each resample r, by several threads, which changes nothing. Rethrows the first failure.
std::vector<double> each_resample(const BootstrapOptions& options, const Function<double(int64_t)>& figure);

// The figure of all samples, of each resample, and without each sample, with how often that one occurs: the
// last for BCa only.
struct Jackknife {
  double value, times;
};
struct Resampled {
  double value = 0;
  std::vector<double> resamples;
  std::vector<Jackknife> jackknife = {};
};
// Of at least one sample.
Resampled resample(int64_t samples, const Function<double(std::span<const int64_t>)>& figure,
                   const BootstrapOptions& options);
Interval interval_of(Resampled figures, const BootstrapOptions& options);
void check(const BootstrapOptions& options);

}  // namespace kiln::metrics
