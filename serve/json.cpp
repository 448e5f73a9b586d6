#include <kiln/serve/json.h>

#include <cmath>

#include <kiln/io/bytes/json.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::serve {
namespace {

void write(std::string& out, const Value& value);

void write_items(std::string& out, const Value& value) {
  out += '[';
  bool is_first = true;
  for (const Value& item : value.items()) {
    if (!is_first) out += ',';
    is_first = false;
    write(out, item);
  }
  out += ']';
}

void write_entries(std::string& out, const Value& value) {
  out += '{';
  bool is_first = true;
  for (const auto& [key, entry] : value.entries()) {
    if (!is_first) out += ',';
    is_first = false;
    out += io::json_string(key.text()) + ":";
    write(out, entry);
  }
  out += '}';
}

void write(std::string& out, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::none:
      out += "null";
      break;
    case Value::Kind::boolean:
      out += value.as_bool() ? "true" : "false";
      break;
    case Value::Kind::integer:
      fmt::format_to(std::back_inserter(out), "{}", value.as_int());
      break;
    case Value::Kind::real:
      if (std::isfinite(value.as_float()))
        fmt::format_to(std::back_inserter(out), "{}", value.as_float());
      else
        out += "null";
      break;
    case Value::Kind::string:
      out += io::json_string(value.as_string());
      break;
    case Value::Kind::list:
    case Value::Kind::tuple:
      write_items(out, value);
      break;
    case Value::Kind::dict:
      write_entries(out, value);
      break;
    default:
      fail("json: {} cannot be written; give numbers, strings, lists and dicts", name_of(value.kind()));
  }
}

}  // namespace

std::string to_json(const Value& value) {
  std::string out;
  write(out, value);
  return out;
}

}  // namespace kiln::serve
