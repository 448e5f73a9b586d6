#pragma once

// Internal: accumulators as values, and back.

#include <cstring>
#include <vector>

#include <kiln/metrics/exact_sum.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::metrics {

// On the CPU, whatever the factories' device is.
template <class T>
Tensor from_host(const std::vector<T>& values, const Shape& shape) {
  const Tensor x = empty(shape, {.dtype = dtype_of<T>, .device = cpu});
  if (!values.empty()) std::memcpy(x.raw_data(), values.data(), values.size() * sizeof(T));
  return x;
}

// {"kind": "TopK", ...}, for from_state to know it again.
Value state_of(const char* kind, std::vector<Value::Entry> entries);
void check_kind(const Value& state, const char* kind);

// A count, which is not negative.
int64_t count_of(const Value& state, const char* key);
// Counts, as many as `size`.
std::vector<int64_t> counts_of(const Value& state, const char* key, size_t size);
std::vector<double> doubles_of(const Value& state, const char* key);

Value state_of(const std::vector<ExactSum>& sums);
std::vector<ExactSum> sums_of(const Value& state, const char* key, size_t size);

}  // namespace kiln::metrics
