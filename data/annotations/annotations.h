#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <kiln/tensor/base/function.h>
#include <kiln/tensor/tensor.h>

namespace kiln::data {

// A mask as runs of equal pixels, first of zeros, column by column from the left (COCO's RLE).
struct Rle {
  int64_t height = 0, width = 0;
  std::vector<uint32_t> runs;
  bool operator==(const Rle&) const = default;
};

// A thing in a picture. Coordinates are pixels from the left and top edge of the picture: a box that is the
// whole picture is {0, 0, width, height}.
struct ObjectBox {
  double left = 0, top = 0, width = 0, height = 0;
  int64_t label = 0;
  bool crowd = false;                              // many things in one box (COCO's iscrowd)
  bool difficult = false;                          // left out of scores (Pascal VOC)
  std::vector<std::vector<double>> polygons = {};  // x, y, x, y, ... of its outline
  Rle mask = {};
  bool operator==(const ObjectBox&) const = default;
};

struct AnnotatedImage {
  std::string path;                  // from Annotations::folder, or absolute
  int64_t width = 0, height = 0;     // 0: not known
  std::vector<int64_t> labels = {};  // of the picture as a whole, usually one or none
  std::vector<ObjectBox> boxes = {};
  std::string split = {};  // "train", "val", ...; "": none
  std::string group = {};  // pictures of one group stay in one split; "": a group of its own
  std::string slice = {};  // a part of the set for which figures are also told
  double weight = 1;
  bool operator==(const AnnotatedImage&) const = default;
};

// Pictures and what is known of them, whatever file said it.
struct Annotations {
  std::string folder;                // what relative paths start from
  std::vector<std::string> classes;  // label i is classes[i]
  std::vector<AnnotatedImage> images;
  // The file of packed pictures (folders/packed.h) in which the pictures lie by their paths; "": they are
  // files.
  std::string packed = {};
  bool operator==(const Annotations&) const = default;

  std::string path_of(const AnnotatedImage& image) const;
  // The pictures of one split, with all classes.
  Annotations of_split(const std::string& split) const;
  // How many pictures (or, where there are any, boxes) each class has.
  std::vector<int64_t> class_counts() const;
};

// How a file of annotations is read.
struct AnnotationOptions {
  // Paths that are absolute or leave the file's folder by ".." are refused, unless this is set.
  bool allow_outside = false;
  // All classes in their order, for files that do not list them (manifests, Pascal VOC, folders): another
  // class is then a problem. Nothing: those that occur, sorted, by number when all are numbers.
  std::vector<std::string> classes = {};
  // What is wrong with one entry: an unknown class, a box without area or outside of its picture, an id that
  // comes twice. Without a function the first is an Error; with one each is told, with the file and the
  // place, and the entry is left out. A file whose form is damaged is always an Error.
  Function<void(const std::string&)> problem;
};

// Looks up the sizes that are not known in the pictures' headers. A picture that cannot be read is a problem
// of the options, and stays without.
void read_sizes(Annotations& annotations, const AnnotationOptions& options = {});

// "the box 3 x 0 at (1, 2) has no area", "... is outside of the picture of 30 x 20"; "" for a good one. A
// pixel beyond the edge is taken for rounding.
std::string problem_of(const ObjectBox& box, const AnnotatedImage& image);

// uint8 [height,width] of 0 and 1. Throws when the runs are not as many pixels.
Tensor decode_rle(const Rle& mask);
Rle encode_rle(const Tensor& mask);
// COCO's text for the runs: six bits a letter, the differences to the run before the last. Throws for text
// that is none.
std::vector<uint32_t> rle_from_text(const std::string& text);
std::string rle_to_text(const std::vector<uint32_t>& runs);

}  // namespace kiln::data
