#pragma once

#include <kiln/tensor/value/value.h>

namespace kiln::io {

// Internal: JSON text as a Value (null, bool, int, float, string, list, dict with string keys). Throws
// "WHAT is not valid JSON at byte 17: ..." for bad syntax, bad UTF-8, numbers out of range, a key that comes
// twice, and nesting beyond max_depth.
Value parse_json(std::string_view text, const std::string& what, size_t max_depth);

// A value of nulls, bools, numbers, strings, lists, tuples and dicts with string keys as JSON text, keys in
// their order; numbers that are not finite become null, bytes that are not UTF-8 U+FFFD. With `indent` one
// member a line. Throws for other kinds, naming the one.
std::string json_text(const Value& value, int indent = -1);

// The text as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

}  // namespace kiln::io
