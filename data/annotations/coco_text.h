#pragma once

// Internal: COCO's JSON without files.

#include <string_view>

#include <kiln/data/annotations/coco.h>

namespace kiln::data {

// `what` names the file in errors.
Annotations parse_coco(std::string_view text, const std::string& what, const CocoOptions& options);
std::string coco_text(const Annotations& annotations);

}  // namespace kiln::data
