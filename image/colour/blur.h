#pragma once

#include <vector>

#include <kiln/image/move/crop.h>
#include <kiln/tensor/base/pair.h>
#include <kiln/tensor/tensor.h>

// Pictures [C,H,W], uint8 or float32, on the CPU, any strides.

namespace kiln::image {

struct BlurOptions {
  // Standard deviations along rows (x) and columns (y), in pixels; 0: 0.3 * ((size - 1) / 2 - 1) + 0.8.
  double sigma_x = 0, sigma_y = 0;
};

// A Gaussian of `kernel` height x width pixels, both odd; beyond the edge the picture is mirrored. As
// torchvision's gaussian_blur of a tensor: it sums in float32 in an order of its own, so a byte whose value
// falls within the rounding of a half may differ by one. All channels are blurred, also alpha.
Tensor gaussian_blur(const Tensor& picture, Pair kernel, const BlurOptions& options = {});

// A copy in which the window has these values: one, or one a channel. The window is cut at the edges. Throws
// as pad() does for a value that a uint8 picture cannot hold.
Tensor erase(const Tensor& picture, const Window& window, const std::vector<float>& values);

}  // namespace kiln::image
