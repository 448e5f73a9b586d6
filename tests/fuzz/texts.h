#pragma once

#include <string>
#include <string_view>

#include "fuzz/mutate/mutation.h"

namespace kiln::fuzz {

// Annotations as text: a reader must give Annotations whose labels are classes and whose boxes are good, or
// an Error of reasonable length that names the file, within a second; and what it read must come back through
// the writer of its kind. Return what is wrong, or "".
std::string problem_of_csv(std::string_view text);
std::string problem_of_jsonl(std::string_view text);
std::string problem_of_coco(std::string_view text);
std::string problem_of_yolo(std::string_view text);
std::string problem_of_voc(std::string_view text);

// Puts words that readers know in, takes parts out and doubles them.
std::string mutate_text(std::string_view text, Mutation& mutation);

}  // namespace kiln::fuzz
