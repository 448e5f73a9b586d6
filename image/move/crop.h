#pragma once

#include <kiln/tensor/base/pair.h>
#include <kiln/tensor/tensor.h>

// Pictures [C,H,W] of any type and strides on the CPU; results are contiguous copies.

namespace kiln::image {

// A rectangle of pixels.
struct Window {
  int64_t top, left, height, width;
  bool operator==(const Window&) const = default;
};

// The part of the picture in the window; 0 where the window reaches beyond the edge.
Tensor crop(const Tensor& picture, const Window& window);

// The window of that size in the middle, where torchvision's center_crop has it: a smaller picture gets zeros
// on its sides, one more on the right and below where the number is odd, and an odd rest is rounded to the
// even side.
Window center_window(Pair picture, Pair size);

}  // namespace kiln::image
