#pragma once

// Internal: the channels of a picture that are colours, and operations on their bytes by tables.

#include <array>

#include <kiln/image/elements.h>

namespace kiln::image {

using ByteTable = std::array<uint8_t, 256>;
using Histogram = std::array<int64_t, 256>;

// All channels but alpha: 1 of 1 or 2, 3 of 3 or 4. Throws for other numbers of channels.
int64_t colours_of(const char* op, const Tensor& picture);

// A picture with the channels of `picture` (contiguous) of which the colours are still to be written.
Tensor with_colours(const Tensor& picture, int64_t colours);

// Each byte of each colour through table_of(channel).
template <class F>
Tensor through_tables(const char* op, const Tensor& picture, F&& table_of) {
  const Tensor x = contiguous_copy(picture);
  const int64_t colours = colours_of(op, x), plane = x.shape()[1] * x.shape()[2];
  const Tensor result = with_colours(x, colours);
  for (int64_t c = 0; c < colours; ++c) {
    const uint8_t* from = x.data<uint8_t>() + c * plane;
    uint8_t* to = result.data<uint8_t>() + c * plane;
    const ByteTable table = table_of(from, plane);
    for (int64_t i = 0; i < plane; ++i) to[i] = table[from[i]];
  }
  return result;
}

// Each float of each colour through f.
template <class F>
Tensor through_function(const char* op, const Tensor& picture, F&& f) {
  const Tensor x = contiguous_copy(picture);
  const int64_t colours = colours_of(op, x), count = colours * x.shape()[1] * x.shape()[2];
  const Tensor result = with_colours(x, colours);
  for (int64_t i = 0; i < count; ++i) result.data<float>()[i] = f(x.data<float>()[i]);
  return result;
}

Histogram histogram_of(const uint8_t* values, int64_t count);

// Pillow's luma of contiguous planes: of one colour the plane itself.
Tensor luma(const Tensor& picture, int64_t colours);

// a + factor * (b - a) as Pillow blends bytes: in float, cut off, within 0 .. 255.
inline uint8_t blend(uint8_t a, uint8_t b, float factor) {
  const float value = float(a) + factor * float(int(b) - int(a));
  return uint8_t(value <= 0 ? 0.f : value >= 255 ? 255.f : value);
}
// As torchvision blends floats 0 .. 1: factor * b + (1 - factor) * a.
inline float blend(float a, float b, float factor) {
  const float value = factor * b + (1 - factor) * a;
  return value < 0 ? 0.f : value > 1 ? 1.f : value;
}

}  // namespace kiln::image
