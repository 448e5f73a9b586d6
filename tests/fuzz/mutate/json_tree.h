#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::fuzz {

struct JsonMember;

// JSON as it stands: members may repeat, numbers are text.
struct Json {
  enum class Kind : uint8_t { word, string, array, object };  // word: a number, true, false, null or nonsense
  Kind kind;
  std::string text;                 // of a string, without quotes and escapes
  std::vector<JsonMember> members;  // of an array, without names

  explicit Json(Kind kind = Kind::word, std::string text = "null");
  ~Json();
  Json(const Json&);
  Json(Json&&) noexcept;
  Json& operator=(const Json&);
  Json& operator=(Json&&) noexcept;

  const Json* find(std::string_view name) const;
  Json* find(std::string_view name);

  static Json word(std::string text) { return Json(Kind::word, std::move(text)); }
  static Json number(int64_t n) { return word(std::to_string(n)); }
  static Json string(std::string text) { return Json(Kind::string, std::move(text)); }
  static Json array(std::vector<Json> items);
  static Json object(std::vector<JsonMember> members);
};
struct JsonMember {
  std::string name = {};
  Json value = Json();
};

// False for what is no JSON, or nested deeper than 500.
bool read_json(std::string_view text, Json* json);
std::string write_json(const Json& json);
// Every value, from the whole to its parts.
std::vector<Json*> all_of(Json* json);

}  // namespace kiln::fuzz
