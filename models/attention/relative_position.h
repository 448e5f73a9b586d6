#pragma once

#include <kiln/tensor/base/pair.h>
#include <kiln/tensor/tensor.h>

// Internal, for the sources of models: biases that depend on where two places of a window stand to each
// other.

namespace kiln::nn::models {

// How many relative positions there are: (2 * height - 1) * (2 * width - 1). Throws for a window without
// places.
int64_t relative_positions(Pair window);

// For each pair of the window's places (row by row) the row of a table of relative
// positions: [places, places], int64.
Tensor relative_position_index(Pair window);

// table [positions, heads], index as above, of any shape -> [1, heads, places, places].
Tensor relative_position_bias(const Tensor& table, const Tensor& index);

}  // namespace kiln::nn::models
