#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace kiln::io {

// Internal: the low `bytes` bytes of a number, the lowest first.
inline std::string little_endian(uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += char(value >> (8 * i) & 0xff);
  return out;
}

// The number in the `bytes` bytes at a place, which must be there.
inline uint64_t from_little_endian(std::string_view text, size_t at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = bytes; i-- > 0;) value = value << 8 | uint8_t(text[at + i]);
  return value;
}

}  // namespace kiln::io
