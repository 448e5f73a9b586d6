#pragma once

#include <cmath>

#include <kiln/kiln.h>

namespace kiln::benchmarks {

// Waves with some grain, side by side in memory as a decoder gives them.
inline Tensor photograph(int64_t height, int64_t width) {
  const Tensor picture = empty({height, width, 3}, {.dtype = uint8});
  uint32_t grain = 1;
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < 3; ++c) {
        grain = grain * 1664525 + 1013904223;
        const double wave = std::sin(double(x) * 0.02 + double(c)) * std::cos(double(y) * 0.013);
        picture.data<uint8_t>()[(y * width + x) * 3 + c] = uint8_t(120 + 100 * wave + double(grain >> 28));
      }
  return picture.permute({2, 0, 1});
}

}  // namespace kiln::benchmarks
