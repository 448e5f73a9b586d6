#pragma once

#include <string_view>

namespace kiln {

// Whether the text is UTF-8 (RFC 3629): shortest forms, at most U+10FFFF, no surrogates, which Python's
// strings may hold and its pickles have ("surrogatepass").
bool is_utf8(std::string_view text, bool with_surrogates = false);

}  // namespace kiln
