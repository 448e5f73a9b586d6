#include "image/made_files.h"

#include <vector>

#include <kiln/autograd/ops.h>
#include <kiln/image/encode.h>
#include <kiln/io/bytes/crc32.h>

namespace kiln::test {
namespace {

using namespace std::string_literals;

std::string number(uint32_t value, int bytes, bool big) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += char(value >> 8 * (big ? bytes - 1 - i : i));
  return text;
}

// zlib's form of bytes that are not packed (RFC 1950, 1951).
std::string stored(std::string_view bytes) {
  std::string out = "\x78\x01"s;
  uint32_t a = 1, b = 0;
  for (const char c : bytes) {
    a = (a + uint8_t(c)) % 65521;
    b = (b + a) % 65521;
  }
  out += '\1' + little16(uint32_t(bytes.size())) + little16(~uint32_t(bytes.size()));
  return out + std::string(bytes) + big32(b << 16 | a);
}

std::string made_bmp() {
  const std::string palette("\0\0\0\0\xff\0\0\0\0\xff\0\0\0\0\xff\0", 16);
  const std::string rows("\0\1\2\3\3\2\1\0", 8);
  const uint32_t data = 14 + 40 + 16;
  return "BM" + little32(data + 8) + little32(0) + little32(data) + little32(40) + little32(4) + little32(2) +
         little16(1) + little16(8) + little32(0) + little32(8) + little32(0) + little32(0) + little32(4) +
         little32(0) + palette + rows;
}

std::string made_tga(int kind) {
  const std::string head =
      std::string("\0\0", 2) + char(kind) + std::string(9, '\0') + little16(3) + little16(2) + "\x18\x20";
  return kind == 2 ? head + "abcdefghijklmnopqr" : head + "\x82xyz" + "\2" + "abcdefghi";
}

std::string made_psd() {
  const std::string head = "8BPS" + big16(1) + std::string(6, '\0') + big16(3) + big32(2) + big32(3) +
                           big16(8) + big16(3) + big32(0) + big32(0) + big32(0) + big16(0);
  return head + "abcdefghijklmnopqr";
}

}  // namespace

std::string big16(uint32_t value) { return number(value, 2, true); }
std::string big32(uint32_t value) { return number(value, 4, true); }
std::string little16(uint32_t value) { return number(value, 2, false); }
std::string little32(uint32_t value) { return number(value, 4, false); }

Tensor some_picture(int64_t channels, int64_t height, int64_t width) {
  const Tensor picture = empty({channels, height, width}, {.dtype = uint8, .device = cpu});
  uint32_t state = uint32_t(channels * 1000 + height * 100 + width);
  for (int64_t i = 0; i < picture.numel(); ++i) {
    state = state * 1664525 + 1013904223;
    picture.data<uint8_t>()[i] = uint8_t(state >> 24);
  }
  return picture;
}

std::string png_chunk(std::string_view name, std::string_view content) {
  const std::string checked = std::string(name) + std::string(content);
  return big32(uint32_t(content.size())) + checked + big32(io::crc32(checked.data(), checked.size()));
}

std::string made_png(uint32_t width, uint32_t height, int bits, int colour, std::string_view rows,
                     std::string_view before_data) {
  const std::string header = big32(width) + big32(height) + char(bits) + char(colour) + std::string(3, '\0');
  return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", header) + std::string(before_data) +
         png_chunk("IDAT", stored(rows)) + png_chunk("IEND", "");
}

std::string jpeg_segment(int marker, std::string_view content) {
  return "\xff"s + char(marker) + big16(uint32_t(content.size()) + 2) + std::string(content);
}

std::string jpeg_of_scans(int repeats) {
  std::string file = "\xff\xd8" + jpeg_segment(0xdb, std::string(1, '\0') + std::string(64, '\1'));
  std::string components;
  for (int i = 1; i <= 3; ++i) components += std::string{char(i), '\x11', '\0'};
  file += jpeg_segment(0xc0, "\x8"s + big16(8) + big16(8) + "\3" + components);
  // One code of one bit in each table: a difference of 0, the end of a block.
  const std::string code = "\1"s + std::string(15, '\0') + '\0';
  file += jpeg_segment(0xc4, std::string(1, '\0') + code) + jpeg_segment(0xc4, "\x10" + code);
  for (int component = 1; component <= 3; ++component)
    for (int i = 0; i < repeats; ++i)
      file += jpeg_segment(0xda, std::string{'\1', char(component), '\0', '\0', '\x3f', '\0'}) + "\x3f";
  return file + "\xff\xd9";
}

std::string made_gif(uint32_t width, uint32_t height, std::string_view codes, std::string_view before_image) {
  const std::string palette("\0\0\0\xff\0\0\0\xff\0\0\0\xff", 12);
  return "GIF89a" + little16(width) + little16(height) + "\x81" + std::string(2, '\0') + palette +
         std::string(before_image) + "," + std::string(4, '\0') + little16(width) + little16(height) +
         std::string(1, '\0') + "\2" + char(codes.size()) + std::string(codes) + std::string(1, '\0') + ";";
}

std::vector<MadeFile> one_of_each() {
  const Tensor rgb = some_picture(3, 9, 11);
  const std::string palette = png_chunk("PLTE", std::string(12, '\7'));
  return {
      {"JPEG", image::encode_jpeg(rgb)},
      {"JPEG grey", image::encode_jpeg(some_picture(1, 9, 11))},
      {"JPEG progressive", image::encode_jpeg(rgb, {.progressive = true})},
      {"PNG", image::encode_png(rgb)},
      {"PNG alpha", image::encode_png(some_picture(4, 9, 11))},
      {"PNG palette", made_png(4, 2, 2, 3, std::string("\0\x1b\0\xe4", 4), palette)},
      {"PNG 16 bits", made_png(2, 2, 16, 0, std::string("\0\1\2\3\4\0\5\6\7\x8", 10))},
      {"BMP", made_bmp()},
      {"TGA", made_tga(2)},
      {"TGA packed", made_tga(10)},
      {"PSD", made_psd()},
      {"PPM", "P6\n2 2\n255\nabcdefghijkl"},
      {"PGM 16 bits", "P5\n# deep\n2 1 65535 abcd"},
      {"PBM", "P4 9 1 \xaa\x80"},
      // 4: clear, 0 1 2 3, 5: end; 3 bits each, then 4 once there are 8 codes.
      {"GIF", made_gif(2, 1, "\x44\x0a"s)},
  };
}

}  // namespace kiln::test
