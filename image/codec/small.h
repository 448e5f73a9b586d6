#pragma once

// Internal: the small formats.

#include <kiln/image/codec/raster.h>

namespace kiln::image {

// Each has the channels that the header says; its size has been checked.
Raster decode_bmp(std::string_view bytes, const Info& info);
Raster decode_gif(std::string_view bytes, const Info& info);
Raster decode_pnm(std::string_view bytes, const Info& info, const DecodeOptions& options);
// TGA and PSD, by stb_image.
Raster decode_by_stb(std::string_view bytes, const Info& info);

}  // namespace kiln::image
