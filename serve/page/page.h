#pragma once

// Internal: the page that a server shows to people.

#include <string>

#include <kiln/serve/http/message.h>

namespace kiln::serve {

// One HTML file that loads nothing from elsewhere.
const std::string& page_text();
// What browsers are told about it: nothing from other places, and in no other page's frame.
Fields page_fields();

}  // namespace kiln::serve
