#pragma once

// Internal: classes' names where they are shown.

#include <string>
#include <vector>

namespace kiln::metrics {

// One a class, at most 24 letters of each; numbers when there are none. Throws when their number is another.
std::vector<std::string> shown_names(const std::vector<std::string>& names, int64_t classes);

// Columns that a terminal takes for it.
size_t width_of(const std::string& text);
// With spaces before it, so that it takes `width` columns.
std::string padded(const std::string& text, size_t width);

// As few digits as say it: whole numbers without a point, else `digits` behind it; "-" for NaN.
std::string number_text(double value, int digits);

}  // namespace kiln::metrics
