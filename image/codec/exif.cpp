#include <kiln/image/codec/exif.h>

#include <cstdint>

namespace kiln::image {
namespace {

constexpr uint32_t kOrientation = 0x0112, kShort = 3;
constexpr size_t kHeader = 8, kEntry = 12;

// Numbers of a TIFF block in its byte order; 0 beyond its end.
struct Tiff {
  std::string_view bytes;
  bool big;

  uint32_t number(size_t at, size_t count) const {
    if (at > bytes.size() || count > bytes.size() - at) return 0;
    uint32_t value = 0;
    for (size_t i = 0; i < count; ++i) {
      const uint32_t byte = uint8_t(bytes[at + i]);
      value |= byte << (8 * (big ? count - 1 - i : i));
    }
    return value;
  }
};

}  // namespace

int exif_orientation(std::string_view tiff) {
  const bool big = tiff.starts_with(std::string_view("MM\0*", 4));
  if (!big && !tiff.starts_with(std::string_view("II*\0", 4))) return 1;
  const Tiff block = {tiff, big};
  const size_t directory = block.number(4, 4);
  if (directory < kHeader || directory >= tiff.size()) return 1;
  const size_t entries = block.number(directory, 2);
  for (size_t i = 0; i < entries; ++i) {
    const size_t at = directory + 2 + i * kEntry;
    if (at + kEntry > tiff.size()) return 1;
    if (block.number(at, 2) != kOrientation) continue;
    const uint32_t value = block.number(at + 8, 2);
    const bool is_one_short = block.number(at + 2, 2) == kShort && block.number(at + 4, 4) == 1;
    return is_one_short && value >= 1 && value <= 8 ? int(value) : 1;
  }
  return 1;
}

}  // namespace kiln::image
