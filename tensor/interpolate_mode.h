#pragma once

#include <cstdint>

namespace kiln {

// How interpolate finds values between those it has: PyTorch's modes.
enum class InterpolateMode : uint8_t {
  nearest,        // the one at floor(position * scale)
  nearest_exact,  // the one whose middle is nearest
  bilinear,
  bicubic,  // Keys, 1981, with a = -0.75 (a = -0.5 with antialias)
};

}  // namespace kiln
