#pragma once

#include <string>

#include <kiln/data/annotations/annotations.h>
#include <kiln/data/augment/scene.h>

namespace kiln::project {

struct CompositeOptions {
  std::string objects;          // a folder of class folders of pictures with alpha: what was cut out
  std::string backgrounds;      // a folder of pictures, at whatever depth
  std::string out;              // a folder, which has no manifest.jsonl yet
  int64_t count = 100;          // pictures that are made
  int64_t least = 1, most = 1;  // objects of a picture
  // Backgrounds are resized and cut to a square of so many pixels; 0: they stay as they are.
  int64_t size = 0;
  data::StrewOptions strew = {.scale = {0.3, 0.8}, .relative = true};
  uint64_t seed = 0;
  bool masks = false;  // with the masks of the objects in the manifest
  int threads = 0;     // 0: as many as the machine has
  Function<void(int64_t done, int64_t total)> progress = {};
};

// Makes pictures that never existed: objects at random places of backgrounds (data::strew). Writes
// out/pictures/000000.png, ... and out/manifest.jsonl with a box of what is seen of each object, the
// picture's label (its objects' class; several labels where they are of several classes), and its background
// as the group, so that a split keeps backgrounds apart. Picture i is a function of (seed, i) and the two
// folders' pictures. A picture of which no object would be seen is drawn again. Returns the manifest's
// content.
//
// Throws for folders without pictures, objects without alpha, pictures that cannot be read (named), and when
// 20 draws in a row show no object.
data::Annotations composite(const CompositeOptions& options);

}  // namespace kiln::project
