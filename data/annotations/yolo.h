#pragma once

#include <kiln/data/annotations/annotations.h>

namespace kiln::data {

// YOLO's layout: data.yaml with `path`, `train`, `val`, `test` (a folder of pictures or a .txt of their
// paths, or a list of such) and `names`, and beside each .../images/x.jpg a .../labels/x.txt with lines
// "class cx cy width height", shares of the picture, or "class x y x y ...", an outline. Of YAML as much is
// read as such files have: keys of one level, lists and numbered maps. A picture without a .txt has no boxes.
//
// Sizes come from the pictures' headers. Throws an Error that names the file and the line for forms that are
// damaged and a missing list; a class out of range, a coordinate outside of 0 .. 1, a picture that cannot be
// read are problems of AnnotationOptions.
Annotations read_yolo(const std::string& data_yaml, const AnnotationOptions& options = {});

// Writes data.yaml, train.txt, val.txt, ... (pictures without a split go to train.txt), labels/x.txt and, as
// links to the pictures, images/x.jpg into `folder`, for x the paths of the pictures, which must be relative.
// Flags, masks, groups and weights are not kept; of outlines the first. Throws when a size is not known, and
// for a path that leaves the folder or what is in the way of a link.
void write_yolo(const std::string& folder, const Annotations& annotations);

}  // namespace kiln::data
