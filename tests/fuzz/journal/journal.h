#pragma once

#include <string>
#include <string_view>

namespace kiln::fuzz {

// Reads a journal of `kiln annotate`. An Error must name the file and be of reasonable length; what is read
// must have labels of its classes and boxes that are some, and come back as it was when it is written again,
// also where the last line was cut off. Returns what is wrong, or "".
std::string problem_of_journal(std::string_view text);

// Each whole line that ends like one with a checksum gets the right one, so that what stands in it is read.
std::string with_right_checksums(std::string_view text);

}  // namespace kiln::fuzz
