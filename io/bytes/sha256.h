#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

// Internal.

namespace kiln::io {

// SHA-256 (FIPS 180-4), fed in pieces: "abc" gives ba7816bf...15ad.
class Sha256 {
 public:
  void add(const void* data, size_t size);
  // 64 lower-case hexadecimal digits. Nothing may be added afterwards.
  std::string finish();

 private:
  void block(const unsigned char* bytes);

  uint32_t state_[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  unsigned char rest_[64] = {};  // what does not fill a block yet
  uint64_t size_ = 0;            // bytes so far
};

}  // namespace kiln::io
