#include <charconv>
#include <cstdint>
#include <limits>

#include <kiln/io/pickle/pickle_machine.h>

namespace kiln::io {
namespace {

void append_utf8(uint32_t code, std::string* text) {
  if (code < 0x80) {
    *text += char(code);
  } else if (code < 0x800) {
    *text += {char(0xC0 | code >> 6), char(0x80 | (code & 63))};
  } else if (code < 0x10000) {
    *text += {char(0xE0 | code >> 12), char(0x80 | (code >> 6 & 63)), char(0x80 | (code & 63))};
  } else {
    *text += {char(0xF0 | code >> 18), char(0x80 | (code >> 12 & 63)), char(0x80 | (code >> 6 & 63)),
              char(0x80 | (code & 63))};
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = char(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool read_hex(std::string_view digits, uint32_t* code) {
  *code = 0;
  for (const char c : digits) {
    if (hex_digit(c) < 0) return false;
    *code = *code << 4 | uint32_t(hex_digit(c));
  }
  return true;
}

}  // namespace

// Not by strtod: it reads what the locale writes.
bool decode_real(std::string_view text, double* value) {
  std::string_view digits = text;
  if (text.starts_with("+-")) return false;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), *value);
  if (end != digits.data() + digits.size() || digits.empty()) return false;
  if (error != std::errc::result_out_of_range) return error == std::errc();
  // Too small or too large for a double: by the exponent, or where there is none, by its first digit.
  const bool negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  const size_t exponent = digits.find_first_of("eE");
  const bool is_small = exponent != digits.npos ? digits.substr(exponent + 1).starts_with('-')
                                                : digits.starts_with('0') || digits.starts_with('.');
  *value = is_small ? 0 : std::numeric_limits<double>::infinity();
  if (negative) *value = -*value;
  return true;
}

std::string quotable(std::string_view text) {
  std::string quoted(text.substr(0, 40));
  for (char& c : quoted)
    if (c < ' ' || c > '~') c = '?';
  return quoted;
}

bool decode_raw_unicode(std::string_view line, std::string* text) {
  for (size_t i = 0; i < line.size(); ++i) {
    const size_t length = line[i] != '\\' || i + 1 == line.size() ? 0
                          : line[i + 1] == 'u'                    ? 4
                          : line[i + 1] == 'U'                    ? 8
                                                                  : 0;
    uint32_t code = uint8_t(line[i]);  // all else is latin-1
    if (length != 0) {
      if (i + 2 + length > line.size() || !read_hex(line.substr(i + 2, length), &code) || code > 0x10FFFF)
        return false;
      i += 1 + length;
    }
    append_utf8(code, text);
  }
  return true;
}

bool decode_repr(std::string_view line, std::string* text) {
  if (line.size() < 2 || line.front() != line.back() || (line.front() != '\'' && line.front() != '"'))
    return false;
  line = line.substr(1, line.size() - 2);
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      *text += line[i];
      continue;
    }
    if (++i == line.size()) return false;
    constexpr std::string_view names = "\\'\"ntrabfv0", values{"\\'\"\n\t\r\a\b\f\v\0", 11};
    uint32_t code = 0;
    if (const size_t at = names.find(line[i]); at != std::string_view::npos) {
      *text += values[at];
    } else if (line[i] == 'x' && i + 2 < line.size() && read_hex(line.substr(i + 1, 2), &code)) {
      *text += char(code);
      i += 2;
    } else {
      return false;
    }
  }
  return true;
}

bool decode_latin1(std::string_view text, std::string* bytes) {
  bytes->reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    uint8_t byte = uint8_t(text[i]);
    if (byte >= 0x80) {  // UTF-8 of 0x80 .. 0xFF begins with C2 or C3
      if (byte > 0xC3) return false;
      byte = uint8_t(byte << 6 | (uint8_t(text[++i]) & 63));
    }
    *bytes += char(byte);
  }
  return true;
}

bool decode_decimal(std::string_view digits, std::string* bytes) {
  const bool negative = !digits.empty() && digits.front() == '-';
  if (negative) digits.remove_prefix(1);
  // The work grows with the square; no known checkpoint has an int of more than 25 digits.
  constexpr size_t kMostDigits = 1000;
  if (digits.empty() || digits.size() > kMostDigits) return false;
  bytes->assign(1, '\0');
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
    uint32_t carry = uint32_t(c - '0');
    for (char& byte : *bytes) {
      carry += uint32_t(uint8_t(byte)) * 10;
      byte = char(carry);
      carry >>= 8;
    }
    if (carry != 0) *bytes += char(carry);
  }
  *bytes += '\0';  // the sign
  if (!negative) return true;
  uint32_t carry = 1;
  for (char& byte : *bytes) {
    carry += uint8_t(~byte);
    byte = char(carry);
    carry >>= 8;
  }
  return true;
}

}  // namespace kiln::io
