#include <array>
#include <bit>

#include <kiln/image/codec/byte_reader.h>
#include <kiln/image/codec/headers.h>
#include <kiln/image/codec/small.h>

namespace kiln::image {
namespace {

constexpr uint32_t kOldest = 12, kPlain = 0, kBitFields = 3, kBitFieldsWithAlpha = 6;

struct Header {
  int64_t width = 0, height = 0;
  bool from_top = false;
  int bits = 0;
  uint32_t data = 0, colours = 0;
  size_t palette = 0, palette_entry = 4;         // where it begins, bytes of a colour
  std::array<uint32_t, 4> masks = {0, 0, 0, 0};  // of red, green, blue, alpha

  bool has_palette() const { return bits <= 8; }
};

void set_plain_masks(Header& header) {
  if (header.bits == 16)
    header.masks = {0x7c00, 0x3e0, 0x1f, 0};
  else
    header.masks = {0xff0000, 0xff00, 0xff, 0};
}

void read_newer(ByteReader& in, Header& header, uint32_t size) {
  const uint32_t width = in.little32(), height = in.little32();
  if (width > INT32_MAX || height == 0x80000000u)
    fail("decode: the BMP picture is damaged: it is {} x {} pixels", int32_t(width), int32_t(height));
  header.width = width;
  header.from_top = int32_t(height) < 0;
  header.height = header.from_top ? -int64_t(int32_t(height)) : int64_t(height);
  in.skip(2);
  header.bits = in.little16();
  const uint32_t packing = in.little32();
  in.skip(12);
  header.colours = in.little32();
  in.skip(4);
  set_plain_masks(header);
  if (packing == kPlain) return;
  const bool is_masked = packing == kBitFields || packing == kBitFieldsWithAlpha;
  if (!is_masked || (header.bits != 16 && header.bits != 32))
    fail("decode: the BMP picture is packed (compression {}), which is not read; save it without", packing);
  const bool has_alpha = size >= 56 || packing == kBitFieldsWithAlpha;
  for (int c = 0; c < (has_alpha ? 4 : 3); ++c) header.masks[size_t(c)] = in.little32();
}

Header read_header(std::string_view bytes) {
  ByteReader in(bytes, "BMP", 10);
  Header header;
  header.data = in.little32();
  const uint32_t size = in.little32();
  if (size == kOldest) {
    header.width = in.little16();
    header.height = in.little16();
    in.skip(2);
    header.bits = in.little16();
    header.palette_entry = 3;
    set_plain_masks(header);
  } else {
    read_newer(in, header, size);
  }
  const int bits = header.bits;
  if (bits != 1 && bits != 4 && bits != 8 && bits != 16 && bits != 24 && bits != 32)
    fail("decode: the BMP picture has {} bits a pixel, expected 1, 4, 8, 16, 24 or 32", bits);
  header.palette = std::max<size_t>(in.at(), 14 + size);
  if (header.has_palette() && (header.colours == 0 || header.colours > 1u << bits))
    header.colours = 1u << bits;
  return header;
}

// A channel's bits in 0 .. 255, rounded down as Pillow does.
uint8_t channel(uint32_t pixel, uint32_t mask) {
  if (mask == 0) return 0;
  const int shift = std::countr_zero(mask);
  return uint8_t(uint64_t((pixel & mask) >> shift) * 255 / (mask >> shift));
}

void read_masked(std::string_view row, const Header& header, uint8_t* out, int channels) {
  const size_t bytes = size_t(header.bits) / 8;
  for (int64_t x = 0; x < header.width; ++x, out += channels) {
    uint32_t pixel = 0;
    for (size_t i = 0; i < bytes; ++i) pixel |= uint32_t(uint8_t(row[size_t(x) * bytes + i])) << 8 * i;
    for (int c = 0; c < channels; ++c) out[c] = channel(pixel, header.masks[size_t(c)]);
  }
}

void read_indices(std::string_view row, const Header& header, std::string_view palette, uint8_t* out) {
  const int64_t in_a_byte = 8 / header.bits;
  for (int64_t x = 0; x < header.width; ++x, out += 3) {
    const int shift = int(in_a_byte - 1 - x % in_a_byte) * header.bits;
    const uint32_t index = uint8_t(row[size_t(x / in_a_byte)]) >> shift & ((1u << header.bits) - 1);
    if (index >= header.colours)
      fail("decode: the BMP picture is damaged: a pixel has the colour {} of {}", index, header.colours);
    for (size_t c = 0; c < 3; ++c) out[c] = uint8_t(palette[index * header.palette_entry + 2 - c]);
  }
}

}  // namespace

Info bmp_header(std::string_view bytes) {
  const Header header = read_header(bytes);
  return {.format = Format::bmp,
          .width = header.width,
          .height = header.height,
          .channels = !header.has_palette() && header.masks[3] != 0 ? 4 : 3};
}

Raster decode_bmp(std::string_view bytes, const Info& info) {
  const Header header = read_header(bytes);
  std::string_view palette;
  if (header.has_palette())
    palette = ByteReader(bytes, "BMP", header.palette).take(header.colours * header.palette_entry);
  const size_t row_bytes = (size_t(header.width) * size_t(header.bits) + 31) / 32 * 4;
  ByteReader in(bytes, "BMP", header.data);
  // Before memory is taken. The last row may lack its filling.
  const size_t last_bytes = (size_t(header.width) * size_t(header.bits) + 7) / 8;
  if (in.left() < last_bytes || (in.left() - last_bytes) / row_bytes < size_t(header.height) - 1)
    in.skip(in.left() + 1);
  const Raster raster = Raster::allocate(info.width, info.height, info.channels);
  for (int64_t y = 0; y < info.height; ++y) {
    const std::string_view row = in.take(y + 1 < info.height ? row_bytes : last_bytes);
    uint8_t* out = raster.row(header.from_top ? y : info.height - 1 - y);
    if (header.has_palette())
      read_indices(row, header, palette, out);
    else
      read_masked(row, header, out, info.channels);
  }
  return raster;
}

}  // namespace kiln::image
