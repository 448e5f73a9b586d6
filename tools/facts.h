#pragma once

#include <string>

#include <kiln/tensor/tensor.h>

namespace kiln::tools {

// The numbers of a tensor; a complex element counts as two.
struct Stats {
  int64_t count = 0, nan = 0, infinite = 0;  // the rest is about the finite elements
  double min = 0, max = 0, mean = 0, deviation = 0;
};
Stats stats_of(const Tensor& x);
std::string to_string(const Stats& stats);

// Of the bytes in row-major order, little-endian; "no data" of a tensor of the device meta.
std::string sha256_of(const Tensor& x);

int64_t bytes_of(const Tensor& x);
// "2x3"
std::string joined(const Dims& dims);
// "44.7 MiB"
std::string size_text(int64_t bytes);
// "1,234,567"
std::string grouped(int64_t number);

}  // namespace kiln::tools
