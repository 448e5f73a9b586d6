#pragma once

// Internal: a file in a form (RFC 7578, RFC 2046).

#include <string_view>

namespace kiln::serve {

// The first part that has a file's name, else the first part, of a body of that Content-Type. One pass over
// the body. Throws HttpError for what is no such body, for more than 16 parts, and for heads of parts beyond
// 4 KiB.
std::string_view file_in_form(std::string_view content_type, std::string_view body);

}  // namespace kiln::serve
