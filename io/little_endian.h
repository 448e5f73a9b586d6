#pragma once

#include <cstdint>
#include <string>

namespace kiln::io {

// Internal: the low `bytes` bytes of a number, the lowest first.
inline std::string little_endian(uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += char(value >> (8 * i) & 0xff);
  return out;
}

}  // namespace kiln::io
