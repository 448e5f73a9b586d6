#pragma once

// Internal: the one value of EXIF that moves pixels.

#include <string_view>

namespace kiln::image {

// The orientation, 1 .. 8, of a block that begins with a TIFF header (EXIF 2.32, 4.6.2 and 4.6.4 A). 1 for a
// block that has none or is damaged: no picture is refused for its description.
int exif_orientation(std::string_view tiff);

}  // namespace kiln::image
