#pragma once

#include <string>
#include <string_view>

#include <kiln/tensor/tensor.h>

namespace kiln::test {

// A picture uint8 [C,H,W] of pixels that do not repeat.
Tensor some_picture(int64_t channels, int64_t height, int64_t width);

// Numbers as files hold them.
std::string big16(uint32_t value);
std::string big32(uint32_t value);
std::string little16(uint32_t value);
std::string little32(uint32_t value);

// A chunk of PNG with its checksum, and a whole file of them; `rows` have their filter bytes and are not
// packed.
std::string png_chunk(std::string_view name, std::string_view content);
std::string made_png(uint32_t width, uint32_t height, int bits, int colour, std::string_view rows,
                     std::string_view before_data = "");

// A segment of JPEG, with its length. A picture of 8 x 8 black pixels in three colours, each in scans of its
// own that repeat so often.
std::string jpeg_segment(int marker, std::string_view content);
std::string jpeg_of_scans(int repeats);

// A GIF of the palette black, red, green, blue; codes of 3 bits, as they are packed.
std::string made_gif(uint32_t width, uint32_t height, std::string_view codes,
                     std::string_view before_image = "");

// Small pictures of each format by its name ("PNG", "PNG palette", ...).
struct MadeFile {
  std::string name, bytes;
};
std::vector<MadeFile> one_of_each();

}  // namespace kiln::test
