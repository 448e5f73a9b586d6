#pragma once

#include <kiln/data/annotations/annotations.h>

namespace kiln::data {

struct CocoOptions {
  AnnotationOptions reading = {};
  std::string folder = {};  // of the pictures; "": the file's own
};

// COCO's instances_*.json (cocodataset.org, "Data format"): categories in the file's order become classes,
// bbox [left, top, width, height], iscrowd, and segmentations, polygons or RLE, are kept. Ids may be any
// integers, and parts may stand in any order. Throws an Error that names the file and the place for what is
// not such a file; ids that come twice or lead nowhere, boxes without area and paths that leave the folder
// are problems of AnnotationOptions ("FILE: annotation 7: ...", counted from 0).
Annotations read_coco(const std::string& path, const CocoOptions& options = {});

// Ids are numbered from 1, area is that of the mask or of the box. Labels of whole pictures, which COCO does
// not have, splits and groups are not kept. Throws when a size is not known.
void write_coco(const std::string& path, const Annotations& annotations);

}  // namespace kiln::data
