#pragma once

#include <kiln/data/annotations/annotations.h>

namespace kiln::data {

// Pascal VOC (Everingham et al., "The Pascal visual object classes challenge", 2010): a folder with
// Annotations/*.xml and JPEGImages/, and ImageSets/Main/{train,val,trainval,test}.txt where there are splits.
// A box's corners are pixels counted from 1, both within it. Also a folder of .xml files alone; pictures then
// lie beside them.
//
// Throws an Error that names the file and the line for XML that is damaged, has a DOCTYPE (entities are never
// expanded) or is no annotation; what is wrong with one object is a problem of AnnotationOptions.
Annotations read_voc(const std::string& folder, const AnnotationOptions& options = {});

// Writes Annotations/x.xml for each picture x, and ImageSets/Main/SPLIT.txt. Pictures are not copied. Crowds,
// outlines, groups and weights are not kept. Throws when a size is not known, or two pictures have the
// same name in different folders.
void write_voc(const std::string& folder, const Annotations& annotations);

}  // namespace kiln::data
