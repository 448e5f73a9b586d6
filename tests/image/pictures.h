#pragma once

#include <doctest/doctest.h>

#include <string>

#include <kiln/data/random_stream.h>
#include <kiln/tensor/tensor.h>

namespace kiln::test {

// Random bytes.
inline Tensor noise(const Shape& shape, uint64_t seed = 0) {
  Tensor x = empty(shape, {.dtype = uint8, .device = cpu});
  data::RandomStream random(seed, 0, 0);
  for (int64_t i = 0; i < x.numel(); ++i) x.data<uint8_t>()[i] = uint8_t(random.bits());
  return x;
}

// The same elements, with the channels of a pixel side by side.
inline Tensor interleaved(const Tensor& picture) {
  return picture.permute({1, 2, 0}).contiguous().permute({2, 0, 1});
}

inline bool same(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() && a.to_vector<double>() == b.to_vector<double>();
}

}  // namespace kiln::test
