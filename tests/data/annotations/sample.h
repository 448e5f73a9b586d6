#pragma once

#include <kiln/data/annotations/annotations.h>

#include "support/files.h"

namespace kiln::test {

// Annotations with everything that a file can say of pictures.
inline data::Annotations full_annotations(const std::string& folder) {
  data::Annotations made = {folder, {"zebra", "cat, \"big\"", "Ünicode"}, {}};
  made.images.push_back(
      {.path = "a/one.png",
       .width = 40,
       .height = 30,
       .labels = {1},
       .boxes = {{.left = 2, .top = 3, .width = 10.5, .height = 20, .label = 2, .crowd = true},
                 {.left = 0, .top = 0, .width = 40, .height = 30, .label = 0, .difficult = true}},
       .split = "train",
       .group = "g,1",
       .slice = "night",
       .weight = 0.25});
  made.images.push_back({.path = "two \"2\".png", .width = 8, .height = 4, .labels = {0}, .split = "val"});
  made.images[1].boxes.push_back({.left = 1,
                                  .top = 1,
                                  .width = 2,
                                  .height = 2,
                                  .label = 1,
                                  .polygons = {{1, 1, 3, 1, 3, 3.5}},
                                  .mask = {4, 8, {5, 2, 25}}});
  made.images.push_back({.path = "three.png", .width = 5, .height = 5});
  return made;
}

// What is told while `read` reads with options that take problems.
template <class Read>
std::vector<std::string> problems_of(Read read) {
  std::vector<std::string> told;
  data::AnnotationOptions options;
  options.problem = [&told](const std::string& problem) { told.push_back(problem); };
  read(options);
  return told;
}

}  // namespace kiln::test
