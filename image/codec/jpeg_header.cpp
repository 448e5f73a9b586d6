#include <kiln/image/codec/byte_reader.h>
#include <kiln/image/codec/exif.h>
#include <kiln/image/codec/headers.h>

namespace kiln::image {
namespace {

constexpr uint8_t kStartOfScan = 0xda, kEndOfImage = 0xd9, kExif = 0xe1;

// SOF0 .. SOF15 without DHT, JPG and DAC, which lie between them (ITU T.81, table B.1).
bool is_frame(uint8_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}
// RST0 .. RST7, SOI and TEM stand alone.
bool has_length(uint8_t marker) { return !(marker >= 0xd0 && marker <= 0xd8) && marker != 0x01; }

uint8_t next_marker(ByteReader& in) {
  while (in.u8() != 0xff) continue;
  uint8_t marker = 0xff;
  while (marker == 0xff) marker = in.u8();
  return marker;
}

}  // namespace

Info jpeg_header(std::string_view bytes) {
  using namespace std::string_view_literals;
  Info info = {.format = Format::jpeg};
  ByteReader in(bytes, "JPEG", 2);
  for (;;) {
    const uint8_t marker = next_marker(in);
    if (marker == 0 || !has_length(marker)) continue;
    if (marker == kStartOfScan || marker == kEndOfImage)
      fail("decode: the JPEG picture is damaged: it has no frame header before its data");
    const uint16_t length = in.big16();
    if (length < 2) fail("decode: the JPEG picture is damaged: a segment has a length of {}", length);
    const std::string_view segment = in.take(length - 2u);
    if (marker == kExif && segment.starts_with("Exif\0\0"sv) && info.orientation == 1)
      info.orientation = exif_orientation(segment.substr(6));
    if (!is_frame(marker)) continue;
    ByteReader frame(segment, "JPEG");
    info.bits = frame.u8();
    info.height = frame.big16();
    info.width = frame.big16();
    info.channels = frame.u8() == 1 ? 1 : 3;
    return info;
  }
}

}  // namespace kiln::image
