#pragma once

#include <string>
#include <vector>

#include <kiln/data/annotations/annotations.h>

namespace kiln::project {

// A set of pictures, whatever says what they show, told by what is there:
//   a folder of class folders, or of splits ("train", "val", "test") of class folders;
//   a manifest: .csv, .tsv, .jsonl; COCO's .json; YOLO's data.yaml or its folder; a folder of Pascal VOC's
//   .xml; ELPV's labels.csv or the folder that has it (defective from a probability of 0.5); a .kiln that
//   data::pack wrote.
// Throws when it is none of these. A class folder without pictures is an Error, or with options.problem a
// class.
data::Annotations open_data(const std::string& path, const data::AnnotationOptions& options = {});

// What a classifier asks of a set before it looks at the first picture: one label a picture, and files that
// are there, but for `may_miss` of them. Throws an Error that begins with `who` and names the pictures.
void check_pictures(const data::Annotations& set, const std::string& who, int64_t may_miss = 0);

// The pictures of that split. "": those of "val" where there are any, else of "test", else all. Throws,
// naming the splits that there are, when there is none of that name.
data::Annotations split_of(const data::Annotations& set, const std::string& split);

// The names of its splits, sorted.
std::vector<std::string> splits_of(const data::Annotations& set);

// The same set with labels that count from other classes, found by name. Throws when a picture is of a class
// that is not among them.
data::Annotations with_classes(const data::Annotations& set, const std::vector<std::string>& classes);

// A set of which every picture is in a split: where there is no "val", `validation` of the others (0 .. 1,
// without "test") go there by seed, the same share of each class, groups whole; the rest is "train".
data::Annotations with_validation(const data::Annotations& set, double validation, uint64_t seed);

}  // namespace kiln::project
