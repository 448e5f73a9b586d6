#pragma once

#include <kiln/tensor/tensor.h>

// Pictures [C,H,W] of any type and strides on the CPU; results are contiguous copies.

namespace kiln::image {

// Left and right, or top and bottom, change places.
Tensor hflip(const Tensor& picture);
Tensor vflip(const Tensor& picture);

// Turned by this many quarters counter-clockwise; any integer. An odd number swaps height and width.
Tensor rot90(const Tensor& picture, int64_t quarters = 1);

}  // namespace kiln::image
