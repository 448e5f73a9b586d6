#pragma once

#include <string>
#include <string_view>

// Internal.

namespace kiln {

// Text as it stands in XML, SVG and HTML, between tags and in attributes. What XML cannot hold, control
// characters and bytes that are not UTF-8, becomes '?'.
std::string xml_escaped(std::string_view text);

}  // namespace kiln
