#include <kiln/image/codec/byte_reader.h>
#include <kiln/image/codec/exif.h>
#include <kiln/image/codec/headers.h>

namespace kiln::image {
namespace {

constexpr size_t kSignature = 8;
constexpr uint8_t kGrey = 0, kRgb = 2, kPalette = 3, kGreyAlpha = 4, kRgba = 6;

int channels_of(uint8_t colour, bool has_transparency) {
  switch (colour) {
    case kGrey:
      return has_transparency ? 2 : 1;
    case kRgb:
    case kPalette:
      return has_transparency ? 4 : 3;
    case kGreyAlpha:
      return 2;
    case kRgba:
      return 4;
    default:
      fail("decode: the PNG picture is damaged: its colour type is {}", colour);
  }
}

}  // namespace

Info png_header(std::string_view bytes) {
  Info info = {.format = Format::png};
  ByteReader in(bytes, "PNG", kSignature);
  if (in.big32() != 13 || in.take(4) != "IHDR")
    fail("decode: the PNG picture is damaged: it does not begin with its header");
  info.width = in.big32();
  info.height = in.big32();
  const uint8_t bits = in.u8(), colour = in.u8();
  in.skip(3 + 4);
  bool has_transparency = false;
  for (;;) {
    const uint32_t length = in.big32();
    const std::string_view name = in.take(4);
    if (name == "IDAT" || name == "IEND") break;
    const std::string_view chunk = in.take(length);
    in.skip(4);
    has_transparency |= name == "tRNS";
    if (name == "eXIf") info.orientation = exif_orientation(chunk);
  }
  info.channels = channels_of(colour, has_transparency);
  info.bits = colour == kPalette ? 8 : bits;
  return info;
}

}  // namespace kiln::image
