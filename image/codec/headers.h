#pragma once

// Internal: what the header of each format says. Each throws an Error for one that is damaged or cut off;
// sizes of 0 are found by info().

#include <kiln/image/format.h>

namespace kiln::image {

Info jpeg_header(std::string_view bytes);
Info png_header(std::string_view bytes);
Info gif_header(std::string_view bytes);
Info pnm_header(std::string_view bytes);
// Of those that stb_image decodes; each also refuses what that does not read.
Info bmp_header(std::string_view bytes);
Info tga_header(std::string_view bytes);
Info psd_header(std::string_view bytes);
// TGA has no mark: whether this can be the beginning of one.
bool may_be_tga(std::string_view bytes);

}  // namespace kiln::image
