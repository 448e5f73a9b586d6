#pragma once

// Internal: what random transforms draw, and how they check what they are given.

#include <cmath>

#include <kiln/data/augment/interval.h>
#include <kiln/data/random_stream.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::data {

inline double uniform(const Interval& range, RandomStream& random) {
  return range.low + (range.high - range.low) * random.uniform_double();
}

// True with this probability. Draws one number either way.
inline bool chance(double probability, RandomStream& random) { return random.uniform_double() < probability; }

inline double checked_probability(const char* transform, double probability) {
  if (!(probability >= 0 && probability <= 1))
    fail("{}: probability {} is not in 0 .. 1", transform, probability);
  return probability;
}

// Finite, in order, and within the bounds.
inline Interval checked_interval(const char* transform, const char* what, const Interval& range,
                                 const Interval& bounds) {
  if (!(range.low <= range.high) || range.low < bounds.low || range.high > bounds.high ||
      !std::isfinite(range.low) || !std::isfinite(range.high))
    fail("{}: {} from {} to {} is not possible; it must be in order and within {} .. {}", transform, what,
         range.low, range.high, bounds.low, bounds.high);
  return range;
}

}  // namespace kiln::data
