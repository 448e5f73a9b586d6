#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/value.h>

namespace kiln {
namespace {

constexpr size_t kShortString = 60;  // of a string, shown in a line of the tree

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const unsigned char c : text.substr(0, kShortString)) {
    if (c == '"' || c == '\\')
      out += fmt::format("\\{}", char(c));
    else if (c == '\n')
      out += "\\n";
    else if (c < 0x20 || c == 0x7f)
      out += fmt::format("\\x{:02x}", c);
    else
      out += char(c);
  }
  out += '"';
  if (text.size() > kShortString) out += fmt::format(" and {} more bytes", text.size() - kShortString);
  return out;
}

bool is_scalar(const Value& value) { return value.kind() < Value::Kind::tensor; }

std::string scalar_text(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::none:
      return "none";
    case Value::Kind::boolean:
      return value.as_bool() ? "true" : "false";
    case Value::Kind::integer:
      return fmt::format("{}", value.as_int());
    case Value::Kind::real: {
      const std::string text = fmt::format("{}", value.as_float());
      return text.find_first_of(".einf") == std::string::npos ? text + ".0" : text;
    }
    case Value::Kind::string:
      return quoted(value.as_string());
    case Value::Kind::bytes:
      return fmt::format("{} bytes", value.as_bytes().size());
    default:
      return fmt::format("{} {}", value.as_tensor().dtype(), value.as_tensor().shape());
  }
}

// A list of few scalars fits in its line.
bool is_inline(const Value& value) {
  if (!value.is_list() && !value.is_tuple()) return value.kind() < Value::Kind::dict;
  if (value.size() > 16) return false;
  for (const Value& item : value.items())
    if (!is_scalar(item)) return false;
  return true;
}

std::string inline_text(const Value& value) {
  if (!value.is_list() && !value.is_tuple()) return scalar_text(value);
  std::string out;
  for (const Value& item : value.items()) out += (out.empty() ? "" : ", ") + scalar_text(item);
  return value.is_tuple() ? "(" + out + ")" : "[" + out + "]";
}

// Deeper than this, containers are shown as their size only.
constexpr int kShownDepth = 100;

void append(std::string& out, const Value& value, int depth) {
  const auto line = [&](const std::string& name, const Value& child) {
    if (!out.empty()) out += '\n';
    out += fmt::format("{:{}}{}: ", "", 2 * depth, name);
    if (is_inline(child)) {
      out += inline_text(child);
    } else {
      out += fmt::format("{} of {}", child.is_object() ? child.type() : name_of(child.kind()), child.size());
      if (depth < kShownDepth) append(out, child, depth + 1);
    }
  };
  if (value.is_dict() || value.is_object()) {
    for (const auto& [key, child] : value.entries()) line(to_string(key), child);
  } else {
    for (size_t i = 0; i < value.size(); ++i) line(fmt::format("{}", i), value.items()[i]);
  }
}

}  // namespace

const char* name_of(Value::Kind kind) {
  constexpr const char* kNames[] = {"none",   "bool", "int",   "float", "string", "bytes",
                                    "tensor", "list", "tuple", "dict",  "object"};
  return kNames[int(kind)];
}

std::string to_string(const Value::Key& key) {
  return key.is_int() ? fmt::format("{}", key.number()) : key.text();
}

std::string to_string(const Value& value) {
  if (is_inline(value)) return inline_text(value);
  if (value.size() == 0) return value.is_object() ? value.type() : "{}";
  std::string out;
  append(out, value, 0);
  return out;
}

}  // namespace kiln
