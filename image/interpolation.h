#pragma once

#include <cstdint>

namespace kiln::image {

// How a picture is sampled between its pixels. Names and results are Pillow's.
enum class Interpolation : uint8_t { nearest, bilinear, bicubic, lanczos };

}  // namespace kiln::image
