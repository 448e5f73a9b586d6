#include <kiln/tensor/value/key_text.h>

#include <algorithm>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/utf8.h>
#include <kiln/tensor/value/value.h>

namespace kiln {
namespace {

bool is_control(unsigned char c) { return c < 0x20 || c == 0x7F; }

// `keeps_high`: bytes above 127 stay.
std::string escaped(std::string_view text, char end, bool keeps_high) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\' || c == end)
      out += {'\\', c};
    else if (c == '\n' || c == '\t' || c == '\r')
      out += {'\\', c == '\n' ? 'n' : c == '\t' ? 't' : 'r'};
    else if (is_control(byte) || (byte >= 0x80 && !keeps_high))
      out += fmt::format("\\x{:02x}", byte);
    else
      out += c;
  }
  return out;
}

// Two's complement, little-endian, as decimal digits; an int of more bytes is not worth the work.
std::string decimal(std::string_view bytes) {
  constexpr size_t kMostBytes = 64;
  if (bytes.size() > kMostBytes) return fmt::format("int of {} bytes", bytes.size());
  const bool negative = !bytes.empty() && (bytes.back() & 0x80) != 0;
  std::string magnitude(bytes), digits;
  if (negative) {
    unsigned carry = 1;
    for (char& byte : magnitude) {
      carry += static_cast<unsigned char>(~byte);
      byte = char(carry);
      carry >>= 8;
    }
  }
  do {
    unsigned rest = 0;
    for (size_t i = magnitude.size(); i-- > 0;) {
      rest = rest << 8 | static_cast<unsigned char>(magnitude[i]);
      magnitude[i] = char(rest / 10);
      rest %= 10;
    }
    digits += char('0' + rest);
  } while (std::ranges::any_of(magnitude, [](char c) { return c != 0; }));
  if (negative) digits += '-';
  std::ranges::reverse(digits);
  return digits;
}

std::string key_text(const Value& value, int depth);

std::string items_text(const Value& value, int depth) {
  constexpr int kDeepest = 20;
  if (depth == kDeepest) return "...";
  std::string out;
  for (const Value& item : value.items()) out += (out.empty() ? "" : ", ") + key_text(item, depth + 1);
  if (value.is_list()) return "[" + out + "]";
  return "(" + out + (value.size() == 1 ? ",)" : ")");
}

// An object that was made of a few plain values is told by them: torch.device("cuda:0").
std::string object_text(const Value& object, int depth) {
  const Value* arguments =
      object.size() == 1 && object.entries()[0].key == "_args" ? &object.entries()[0].value : nullptr;
  if (object.type() == "builtins.int" && object.size() == 1 && object.entries()[0].value.is_bytes())
    return decimal(object.entries()[0].value.as_bytes());
  if (arguments == nullptr || !arguments->is_tuple() ||
      std::ranges::any_of(arguments->items(), [](const Value& x) { return x.kind() >= Value::Kind::bytes; }))
    return object.type();
  std::string text = items_text(*arguments, depth);
  if (text.ends_with(",)")) text.erase(text.size() - 2, 1);
  return object.type() + text;
}

std::string key_text(const Value& value, int depth) {
  switch (value.kind()) {
    case Value::Kind::none:
      return "None";
    case Value::Kind::boolean:
      return value.as_bool() ? "True" : "False";
    case Value::Kind::integer:
      return fmt::format("{}", value.as_int());
    case Value::Kind::real:
      return real_text(value.as_float());
    case Value::Kind::string:
      return quoted_text(value.as_string());
    case Value::Kind::bytes:
      return "b'" + escaped(value.as_bytes(), '\'', false) + "'";
    case Value::Kind::list:
    case Value::Kind::tuple:
      return items_text(value, depth);
    case Value::Kind::object:
      return object_text(value, depth);
    default:
      return name_of(value.kind());
  }
}

}  // namespace

std::string real_text(double value) {
  const std::string text = fmt::format("{}", value);
  return text.find_first_of(".einf") == std::string::npos ? text + ".0" : text;
}

std::string quoted_text(std::string_view text) { return '"' + escaped(text, '"', is_utf8(text)) + '"'; }

std::string bracketed(std::string_view text) { return '<' + escaped(text, '>', is_utf8(text)) + '>'; }

bool is_printable(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return is_control(static_cast<unsigned char>(c)); }) &&
         is_utf8(text);
}

std::string to_string(const Value::Key& key) { return key.is_text() ? key.text() : key_text(key.value(), 0); }

}  // namespace kiln
