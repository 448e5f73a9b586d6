#pragma once

namespace kiln::data {

// From `low` to `high`; one number is from -number to number.
struct Interval {
  double low, high;
  constexpr Interval(double around) : low(-around), high(around) {}
  constexpr Interval(double least, double most) : low(least), high(most) {}
};

}  // namespace kiln::data
