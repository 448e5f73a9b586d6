#pragma once

// Internal: numbers of a header, each checked to be there.

#include <cstdint>
#include <string_view>

#include <kiln/tensor/base/fail.h>

namespace kiln::image {

// Reads forward. Throws an Error that names `what` ("PNG") when the bytes end.
class ByteReader {
 public:
  ByteReader(std::string_view bytes, std::string_view what, size_t at = 0)
      : bytes_(bytes), what_(what), at_(at) {}

  size_t at() const { return at_; }
  size_t left() const { return at_ < bytes_.size() ? bytes_.size() - at_ : 0; }
  void skip(size_t count) { take(count); }
  std::string_view take(size_t count) {
    if (count > left()) fail("decode: the {} picture is cut off at byte {}", what_, bytes_.size());
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }
  uint8_t u8() { return uint8_t(take(1)[0]); }
  uint16_t big16() { return uint16_t(big(2)); }
  uint32_t big32() { return big(4); }
  uint16_t little16() { return uint16_t(little(2)); }
  uint32_t little32() { return little(4); }

 private:
  uint32_t big(size_t count) {
    uint32_t value = 0;
    for (const char c : take(count)) value = value << 8 | uint8_t(c);
    return value;
  }
  uint32_t little(size_t count) {
    uint32_t value = 0;
    int shift = 0;
    for (const char c : take(count)) {
      value |= uint32_t(uint8_t(c)) << shift;
      shift += 8;
    }
    return value;
  }

  std::string_view bytes_, what_;
  size_t at_;
};

}  // namespace kiln::image
