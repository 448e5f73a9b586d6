#pragma once

// Internal: JSON that the server and the store write.

#include <string>

#include <kiln/tensor/value/value.h>

namespace kiln::serve {

// On one line. Bool, int, float, string, list, tuple, dict with string keys, and none as null; a number that
// is not finite is null too, for JSON has none. Throws for other kinds.
std::string to_json(const Value& value);

}  // namespace kiln::serve
