#pragma once

#include <string_view>

namespace kiln::io {

// Internal: how many columns of a terminal a text takes. In UTF-8, by Unicode's East Asian Width: wide
// characters and emoji take two, marks that join the character before them none, a byte that is no UTF-8 one.
// Not `unicode`: one a byte, which is never too few.
int columns(std::string_view text, bool unicode);

// The begin of it that takes at most that many.
std::string_view first_columns(std::string_view text, int limit, bool unicode);

}  // namespace kiln::io
