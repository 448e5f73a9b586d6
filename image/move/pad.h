#pragma once

#include <vector>

#include <kiln/tensor/tensor.h>

namespace kiln::image {

// Pixels added on each side; negative ones are cut off.
struct Padding {
  int64_t left, top, right, bottom;
  constexpr Padding(int64_t all) : Padding(all, all, all, all) {}
  constexpr Padding(int all) : Padding(int64_t(all)) {}
  constexpr Padding(int64_t sides, int64_t ends) : Padding(sides, ends, sides, ends) {}
  constexpr Padding(int64_t l, int64_t t, int64_t r, int64_t b) : left(l), top(t), right(r), bottom(b) {}
};

// What the new pixels are: a constant, the edge again, the picture mirrored without its edge, or with it.
enum class PadMode : uint8_t { constant, edge, reflect, symmetric };

struct PadOptions {
  PadMode mode = PadMode::constant;
  std::vector<float> fill = {0};  // of constant: one value, or one a channel
};

// A picture [C,H,W] of any type and strides with borders, as torchvision pads a PIL image: mirrors are
// repeated where the border is wider than the picture. Throws when there is nothing to take pixels from, and
// when more is cut off than there is.
Tensor pad(const Tensor& picture, const Padding& padding, const PadOptions& options = {});

// Where a mirrored or continued axis of `size` pixels takes pixel `index` from; -1 for constant outside it.
int64_t padded_index(int64_t index, int64_t size, PadMode mode);

}  // namespace kiln::image
