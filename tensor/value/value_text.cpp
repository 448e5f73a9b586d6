#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/key_spelling.h>
#include <kiln/tensor/value/key_text.h>

namespace kiln {
namespace {

constexpr size_t kShortString = 60;  // of a string, shown in a line of the tree

std::string quoted(std::string_view text) {
  std::string out = quoted_text(text.substr(0, kShortString));
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
    case Value::Kind::real:
      return real_text(value.as_float());
    case Value::Kind::string:
      return quoted(value.as_string());
    case Value::Kind::bytes:
      return fmt::format("{} bytes", value.as_bytes().size());
    default:
      return fmt::format("{} {}", value.as_tensor().dtype(), value.as_tensor().shape());
  }
}

// A list of few scalars fits in its line; what has attributes does not.
bool is_inline(const Value& value) {
  if (value.is_tensor()) return Children(value).size() == 0;
  if (!value.is_list() && !value.is_tuple()) return value.kind() < Value::Kind::dict;
  if (value.size() > 16 || Children(value).size() > value.size()) return false;
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

std::string head_text(const Value& value) {
  if (value.is_tensor()) return scalar_text(value);
  return fmt::format("{} of {}", value.is_object() ? value.type() : name_of(value.kind()), value.size());
}

void append(std::string& out, const Value& value, int depth) {
  const Children children(value);
  const KeySpelling spelling(children, {});
  for (size_t i = 0; i < children.size(); ++i) {
    const Value& child = children[i];
    if (!out.empty()) out += '\n';
    out.append(2 * size_t(depth), ' ');
    spelling.append(children, i, out);
    out += ": " + (is_inline(child) ? inline_text(child) : head_text(child));
    if (!is_inline(child) && depth < kShownDepth) append(out, child, depth + 1);
  }
}

}  // namespace

const char* name_of(Value::Kind kind) {
  constexpr const char* kNames[] = {"none",   "bool", "int",   "float", "string", "bytes",
                                    "tensor", "list", "tuple", "dict",  "object"};
  return kNames[int(kind)];
}

std::string to_string(const Value& value) {
  if (is_inline(value)) return inline_text(value);
  if (Children(value).size() == 0) return value.is_object() ? value.type() : "{}";
  std::string out = value.is_tensor() ? scalar_text(value) : "";
  append(out, value, 0);
  return out;
}

}  // namespace kiln
