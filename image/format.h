#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace kiln::image {

// Kinds of picture files that are read here. pnm: PBM, PGM and PPM in their binary forms (P4, P5, P6).
enum class Format : uint8_t { jpeg, png, bmp, gif, tga, psd, pnm };
inline constexpr int kFormatCount = 7;

// "JPEG", "PNG", ...
std::string_view name_of(Format format);

// A set of them. A server that takes pictures of strangers allows what it needs and nothing more:
//
//     image::DecodeOptions options = {.formats = {image::Format::jpeg, image::Format::png}};
//
class Formats {
 public:
  constexpr Formats(std::initializer_list<Format> formats) {
    for (const Format format : formats) bits_ |= 1u << unsigned(format);
  }
  static constexpr Formats all() {
    Formats every = {};
    every.bits_ = (1u << kFormatCount) - 1;
    return every;
  }
  constexpr bool contains(Format format) const { return (bits_ >> unsigned(format) & 1) != 0; }
  constexpr bool operator==(const Formats&) const = default;

 private:
  uint32_t bits_ = 0;
};

// What a header says.
struct Info {
  Format format = Format::jpeg;
  int64_t width = 0, height = 0;  // as stored, before `orientation` is applied
  int channels = 3;               // 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA: what Mode::stored gives
  int bits = 8;                   // of a sample as stored; a palette's entries have 8
  int orientation = 1;            // of EXIF, 1 .. 8; 1 where there is none
};

// The kind of a picture by its first bytes, never by a name. Throws an Error for what is none of them; it
// names the kinds that are known but not read (WebP, HEIC, AVIF, TIFF, JPEG 2000, JPEG XL, SVG, PDF).
Format format_of(std::string_view bytes);

// Reads the header only: nothing is decoded, no memory is taken for pixels. Throws for a header that is
// damaged, cut off, or has a size of 0.
Info info(std::string_view bytes);

}  // namespace kiln::image
