#pragma once

#include <string_view>

#include <kiln/tensor/value/value.h>

namespace kiln::tools {

// To the standard output, at once. Throws when that fails.
void print(std::string_view text);
// A value as JSON and the end of the line; with `indent` a member a line (io::json_text).
void print_json(const Value& value, int indent = 1);
inline constexpr int kOneLine = -1;

}  // namespace kiln::tools
