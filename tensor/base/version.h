#pragma once

#include <string_view>

namespace kiln {

// Version of the library that runs, as "0.1.0" (Semantic Versioning).
std::string_view version();

}  // namespace kiln
