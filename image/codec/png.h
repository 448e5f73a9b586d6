#pragma once

// Internal: PNG by libpng.

#include <kiln/image/codec/raster.h>

namespace kiln::image {

// With the channels that the header says.
Raster decode_png(std::string_view bytes, const Info& info, const DecodeOptions& options);

}  // namespace kiln::image
