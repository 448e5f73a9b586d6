#pragma once

// Internal: YOLO's files without their folder.

#include <map>
#include <string_view>

#include <kiln/data/annotations/yolo.h>

namespace kiln::data {

// What data.yaml says: names in order, and the lists of pictures by split ("train", "val", "test"). Throws
// "FILE: line 3: ...".
struct YoloFile {
  std::string root;  // `path`
  std::vector<std::string> names;
  std::map<std::string, std::vector<std::string>> lists;
};
YoloFile parse_yolo_file(std::string_view text, const std::string& what);

// The boxes of one .txt, in pixels of the picture, whose sizes are known. Problems go to the options.
std::vector<ObjectBox> parse_yolo_labels(std::string_view text, const AnnotatedImage& image, size_t classes,
                                         const std::string& what, const AnnotationOptions& options);
std::string yolo_labels_text(const AnnotatedImage& image);

}  // namespace kiln::data
