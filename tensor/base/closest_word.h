#pragma once

#include <string>
#include <string_view>
#include <vector>

// Internal.

namespace kiln {

// Levenshtein's: how many letters are to be inserted, deleted or replaced; `limit` when it is not below that.
size_t edit_distance(std::string_view a, std::string_view b, size_t limit);

// Of `words`, the one that a mistyped `word` most likely meant: less than a third of its letters and two
// differ, or it is the begin of one word only. "" when there is none.
std::string closest_word(std::string_view word, const std::vector<std::string>& words);

}  // namespace kiln
