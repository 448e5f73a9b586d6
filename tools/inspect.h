#pragma once

#include <string>

#include <kiln/tools/command.h>
#include <kiln/tools/leaves.h>

namespace kiln::tools {

// What a file holds, in the three formats of `kiln inspect`.
std::string table_text(const Value& value, const InspectOptions& options);
std::string tsv_text(const Value& value, const InspectOptions& options);
std::string json_text(const Value& value, const InspectOptions& options);

// Text in which a line break, a tab and other control characters are spelled out.
std::string one_line(std::string_view text);

}  // namespace kiln::tools
