#pragma once

// Internal: Pillow's conversions between RGBA and RGBa, LA and La.

#include <cstdint>

namespace kiln::image {

// Of rows with 2 or 4 channels, of which the last is alpha.
void multiply_by_alpha(const uint8_t* in, uint8_t* out, int64_t pixels, int channels);
void divide_by_alpha(const uint8_t* in, uint8_t* out, int64_t pixels, int channels);

}  // namespace kiln::image
