#pragma once

#include <algorithm>
#include <cstdint>

// Internal, for the sources of models.

namespace kiln::nn::models {

// Of block `index` of `total`: from 0 for the first to `prob` for the last ("Deep Networks with Stochastic
// Depth", linear decay). A single block is the first.
inline double stochastic_depth_prob_of_block(double prob, int64_t index, int64_t total) {
  return prob * double(index) / double(std::max<int64_t>(total - 1, 1));
}

}  // namespace kiln::nn::models
