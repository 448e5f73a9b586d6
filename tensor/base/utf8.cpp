#include <kiln/tensor/base/utf8.h>

#include <cstdint>

namespace kiln {
namespace {

// Of a character that begins so; 0 where none does.
size_t length_of(uint8_t first) {
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0;
  if (first < 0xE0) return 2;
  if (first < 0xF0) return 3;
  return first < 0xF5 ? 4 : 0;
}

}  // namespace

bool is_utf8(std::string_view text, bool with_surrogates) {
  for (size_t i = 0; i < text.size();) {
    const uint8_t first = uint8_t(text[i]);
    const size_t length = length_of(first);
    if (length == 0 || length > text.size() - i) return false;
    uint32_t code = length == 1 ? first : first & (0x7Fu >> length);
    for (size_t k = 1; k < length; ++k) {
      if ((uint8_t(text[i + k]) & 0xC0) != 0x80) return false;
      code = code << 6 | (uint8_t(text[i + k]) & 63);
    }
    if ((length == 3 && code < 0x800) || (length == 4 && (code < 0x10000 || code > 0x10FFFF))) return false;
    if (!with_surrogates && code >= 0xD800 && code < 0xE000) return false;
    i += length;
  }
  return true;
}

}  // namespace kiln
