#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace kiln::io {

// Internal: a protobuf message under construction (the wire format of protocol buffers, version 3). Fields
// are written in the order of the calls.
class Message {
 public:
  Message& integer(int field, int64_t value) {
    key(field, 0);
    varint(uint64_t(value));
    return *this;
  }
  Message& real(int field, double value) {
    key(field, 1);
    fixed(std::bit_cast<uint64_t>(value), 8);
    return *this;
  }
  Message& single(int field, float value) {
    key(field, 5);
    fixed(std::bit_cast<uint32_t>(value), 4);
    return *this;
  }
  // A string, bytes or a message.
  Message& bytes(int field, std::string_view value) {
    key(field, 2);
    varint(value.size());
    text_ += value;
    return *this;
  }
  // Doubles one after the other, for a packed repeated field.
  Message& element(double value) {
    fixed(std::bit_cast<uint64_t>(value), 8);
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  void key(int field, int type) { varint(uint64_t(field) << 3 | uint64_t(type)); }
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) text_ += char(value | 0x80);
    text_ += char(value);
  }
  void fixed(uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) text_ += char(value >> 8 * i);
  }

  std::string text_;
};

}  // namespace kiln::io
