#pragma once

// Internal: the pieces of pages.

#include <string>
#include <string_view>

namespace kiln::serve {

// One HTML file that loads nothing from elsewhere, with the style and the functions that all pages share.
// `body` begins with <body>; its end is the page's.
std::string page_around(std::string_view title, std::string_view style, std::string_view body,
                        std::string_view script);

extern const char* const kSharedStyle;   // colours for light and dark, and what they are used for everywhere
extern const char* const kSharedScript;  // $, make, ask

extern const char* const kPageStyle;
extern const char* const kPageBody;
extern const char* const kPageScript;

}  // namespace kiln::serve
