#pragma once

#include <cstdint>

namespace kiln::kernels {

// f(i) summed over [0, n) in a fixed order that vectorises.
template <class Acc, class F>
Acc lane_sum(int64_t n, F&& f) {
  constexpr int64_t kLanes = 32;
  Acc lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int64_t l = 0; l < kLanes; ++l) lanes[l] += f(i + l);
  Acc sum(0);
  for (; i < n; ++i) sum += f(i);
  for (int64_t l = 0; l < kLanes; ++l) sum += lanes[l];
  return sum;
}

}  // namespace kiln::kernels
