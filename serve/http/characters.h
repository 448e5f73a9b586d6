#pragma once

// Internal: what the characters of HTTP are (RFC 9110, 5.6).

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace kiln::serve {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_control(char c) { return uint8_t(c) < 0x20 || c == 0x7f; }

constexpr bool is_token(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kMarks.find(c) != kMarks.npos;
}
inline bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return is_token(c); });
}

// -1 for what is no hexadecimal digit.
constexpr int hexadecimal(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Why `c` may not follow `before` (0 at the beginning) where lines end with a carriage return and a line
// feed, which stand nowhere else; null when it may.
constexpr const char* wrong_line_end(char before, char c) {
  if (c == '\n' && before != '\r') return "a line ends without a carriage return";
  if (before == '\r' && c != '\n') return "a carriage return stands alone";
  return nullptr;
}

}  // namespace kiln::serve
