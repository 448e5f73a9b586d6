#pragma once

// Internal: which samples of a row or column make one of the result, and with what weights.

#include <cstdint>
#include <vector>

#include <kiln/image/interpolation.h>

namespace kiln::image {

// A part of a row or column of the source, and of how many samples the result is.
struct Span {
  int64_t source = 0;
  float begin = 0, end = 0;
  int64_t result = 0;

  static Span whole(int64_t source, int64_t result) { return {source, 0, float(source), result}; }
  // What Pillow takes as nothing to do.
  bool is_identity() const { return result == source && begin == 0 && end == float(result); }
};

inline constexpr int kWeightBits = 22;  // of fixed point: 32 without 8 of the sample and 2 for what rings

// Samples [begin, end) of the result of a filter. Pillow's arithmetic: weights in double, divided by their
// sum, rounded to fixed point.
struct Axis {
  int64_t size() const { return int64_t(first.size()); }
  const int32_t* weights_of(int64_t i) const { return weights.data() + i * stride; }
  // The samples of the source that are used at all: [begin, end).
  int64_t source_begin() const;
  int64_t source_end() const;

  std::vector<int32_t> first, count, weights;
  int64_t stride = 0;  // of weights from one sample to the next; those behind `count` are 0
};

Axis make_axis(const Span& span, Interpolation interpolation, bool antialias, int64_t begin, int64_t end);

// The source of each sample of the result by Pillow's nearest; -1: none, the result is 0.
std::vector<int32_t> nearest_axis(const Span& span);

}  // namespace kiln::image
