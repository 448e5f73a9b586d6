#pragma once

// Internal: colours weighed with their alpha, and back, as Pillow's modes RGBa and La have them.

#include <kiln/tensor/tensor.h>

namespace kiln::image {

// A picture of bytes whose last channel is alpha: of 2 or 4 channels.
bool has_alpha(const Tensor& picture);

// Contiguous pictures of bytes with alpha; new ones.
Tensor premultiplied(const Tensor& picture);
Tensor unpremultiplied(const Tensor& picture);

// value * weight / 255, rounded, for bytes; `value` may be a product already, with weight 1.
constexpr uint32_t divide_255(uint32_t product) {
  const uint32_t rounded = product + 128;
  return ((rounded >> 8) + rounded) >> 8;
}

}  // namespace kiln::image
