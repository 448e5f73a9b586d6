#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kiln::fuzz {

// A picture and, of a PNG, the same with right checksums.
std::vector<std::string> picture_files(std::string_view input);

// Reads the header and decodes in several ways; all of them agree. Returns what is wrong, or "". Throws what
// decode() throws.
std::string problem_of_picture(std::string_view bytes);

}  // namespace kiln::fuzz
