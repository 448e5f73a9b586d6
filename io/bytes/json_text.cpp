#include <cmath>

#include <nlohmann/json.hpp>

#include <kiln/io/bytes/json.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

using Json = nlohmann::ordered_json;

Json as_json(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::none:
      return nullptr;
    case Value::Kind::boolean:
      return value.as_bool();
    case Value::Kind::integer:
      return value.as_int();
    case Value::Kind::real:
      return std::isfinite(value.as_float()) ? Json(value.as_float()) : Json(nullptr);
    case Value::Kind::string:
      return value.as_string();
    case Value::Kind::list:
    case Value::Kind::tuple: {
      Json list = Json::array();
      for (const Value& item : value.items()) list.push_back(as_json(item));
      return list;
    }
    case Value::Kind::dict: {
      Json dict = Json::object();
      for (const auto& [key, item] : value.entries())
        dict[key.is_text() ? key.text() : std::to_string(key.number())] = as_json(item);
      return dict;
    }
    default:
      fail("JSON has no {}", name_of(value.kind()));
  }
}

}  // namespace

std::string json_text(const Value& value, int indent) {
  return as_json(value).dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace kiln::io
