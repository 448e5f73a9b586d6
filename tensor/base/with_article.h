#pragma once

#include <string>
#include <string_view>

// Internal.

namespace kiln {

// "a tensor", "an object"
inline std::string with_article(std::string_view noun) {
  const bool is_vowel = !noun.empty() && std::string_view("aeiou").find(noun[0]) != std::string_view::npos;
  return (is_vowel ? "an " : "a ") + std::string(noun);
}

}  // namespace kiln
