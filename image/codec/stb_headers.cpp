#include <kiln/image/codec/byte_reader.h>
#include <kiln/image/codec/headers.h>

namespace kiln::image {
namespace {

constexpr size_t kTgaHeader = 18;
constexpr uint8_t kTgaPalette = 1, kTgaRgb = 2, kTgaGrey = 3, kTgaPacked = 8;

}  // namespace

bool may_be_tga(std::string_view bytes) {
  if (bytes.size() < kTgaHeader) return false;
  const auto byte = [&](size_t i) { return uint8_t(bytes[i]); };
  const uint8_t palette = byte(1), kind = byte(2) & ~kTgaPacked, bits = byte(16);
  const bool right_kind = palette == 1 ? kind == kTgaPalette && (bits == 8 || bits == 16)
                                       : palette == 0 && (kind == kTgaRgb || kind == kTgaGrey);
  const bool right_bits = bits == 8 || bits == 15 || bits == 16 || bits == 24 || bits == 32;
  return (byte(2) & ~(kTgaPacked | 3)) == 0 && right_kind && right_bits;
}

Info tga_header(std::string_view bytes) {
  ByteReader in(bytes, "TGA");
  in.skip(2);
  const int kind = in.u8() & ~kTgaPacked;
  in.skip(4);
  const int palette_bits = in.u8();
  in.skip(4);
  Info info = {.format = Format::tga};
  info.width = in.little16();
  info.height = in.little16();
  const int bits = kind == kTgaPalette ? palette_bits : in.u8();
  if (kind == kTgaGrey)
    info.channels = bits == 16 ? 2 : 1;
  else
    info.channels = bits == 32 ? 4 : 3;
  return info;
}

Info psd_header(std::string_view bytes) {
  ByteReader in(bytes, "PSD", 4);
  const int version = in.big16();
  in.skip(6);
  const int channels = in.big16();
  Info info = {.format = Format::psd};
  info.height = in.big32();
  info.width = in.big32();
  info.bits = in.big16();
  const int colour = in.big16();
  constexpr int kRgb = 3;
  if (version != 1 || channels > 16 || (info.bits != 8 && info.bits != 16) || colour != kRgb)
    fail(
        "decode: the PSD picture has version {}, {} channels of {} bits and colour mode {}; RGB (3) of 8 or "
        "16 bits in "
        "version 1 is read, so flatten and convert it",
        version, channels, info.bits, colour);
  info.channels = channels >= 4 ? 4 : 3;
  return info;
}

}  // namespace kiln::image
