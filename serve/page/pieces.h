#pragma once

// Internal: the pieces of the page.

namespace kiln::serve {

extern const char* const kPageHead;
extern const char* const kPageStyle;
extern const char* const kPageBody;  // begins with <body>, its end is the page's
extern const char* const kPageScript;

}  // namespace kiln::serve
