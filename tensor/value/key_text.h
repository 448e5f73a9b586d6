#pragma once

// Internal: keys and strings as text that can be told apart.

#include <string>
#include <string_view>

namespace kiln {

// "text" with \\, \", \n, \t, \r, and \x1f for other control characters and for what is not UTF-8.
std::string quoted_text(std::string_view text);
// <text> with \\ and \>, and the same escapes.
std::string bracketed(std::string_view text);
// The shortest text that reads back as the same number, and is no int.
std::string real_text(double value);
// Whether the text is UTF-8 without control characters.
bool is_printable(std::string_view text);

}  // namespace kiln
