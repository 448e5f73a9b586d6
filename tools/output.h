#pragma once

#include <string_view>

namespace kiln::tools {

// To the standard output, at once. Throws when that fails.
void print(std::string_view text);

}  // namespace kiln::tools
