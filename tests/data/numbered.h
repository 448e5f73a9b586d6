#pragma once

#include <vector>

#include <kiln/data/data.h>

namespace kiln::test {

// Sample i is {float [1] of i, int64 [] of i}.
inline data::TensorDataset numbers(int64_t count) {
  Tensor x = empty({count, 1}, {.dtype = float32, .device = cpu});
  Tensor y = empty({count}, {.dtype = int64, .device = cpu});
  for (int64_t i = 0; i < count; ++i) {
    x.data<float>()[i] = float(i);
    y.data<int64_t>()[i] = i;
  }
  return data::TensorDataset({x, y});
}

// The samples in the order in which they come, by their last tensor.
template <class Range>
std::vector<int64_t> order_of(const Range& range) {
  std::vector<int64_t> order;
  for (const data::Batch& batch : range)
    for (const int64_t i : batch.tensors.back().template to_vector<int64_t>()) order.push_back(i);
  return order;
}

}  // namespace kiln::test
