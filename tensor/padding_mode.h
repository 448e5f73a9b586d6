#pragma once

#include <cstdint>

namespace kiln {

// What lies beyond the edge of an image: a constant (zero where nothing is said), or the image mirrored
// without its edge, its edge again, or the image again.
enum class PaddingMode : uint8_t { zeros, reflect, replicate, circular };

}  // namespace kiln
