#pragma once

// Internal: one file of Pascal VOC as text.

#include <string_view>

#include <kiln/data/annotations/reading.h>
#include <kiln/data/annotations/voc.h>

namespace kiln::data {

// The path is the file's <filename>. Classes are found in `names`, or added unless they are `fixed`.
AnnotatedImage parse_voc(std::string_view text, const std::string& what, ClassNames& names, bool fixed,
                         const AnnotationOptions& options);
std::string voc_text(const AnnotatedImage& image, const std::vector<std::string>& classes);

}  // namespace kiln::data
