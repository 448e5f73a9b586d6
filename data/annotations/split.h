#pragma once

#include <kiln/data/annotations/annotations.h>

namespace kiln::data {

struct SplitPart {
  std::string name;  // "train"
  double share;      // of all pictures; shares sum to 1
};

struct SplitAnnotationsOptions {
  uint64_t seed = 0;
  // Each part has each class in proportion, to within one picture; of pictures with several labels or boxes
  // the rarest class counts. With groups larger than a picture as near as they allow.
  bool stratify = true;
  bool keep = false;  // pictures that have a split keep it, and with it their group
};

// Gives each picture the name of a part as its split. Pictures of one group stay together, whatever that does
// to shares. A function of the seed and of the set of pictures (path, labels, group), not of their order.
// Throws for no parts, shares that do not sum to 1, names that come twice, pictures that do, and, with
// `keep`, a group in two parts.
void split_annotations(Annotations& annotations, const std::vector<SplitPart>& parts,
                       const SplitAnnotationsOptions& options = {});

// Gives each picture that an earlier set has too, by its file, the split and the group that it has there;
// for split_annotations with `keep`. Returns how many there are.
int64_t keep_splits(Annotations& annotations, const Annotations& earlier);

}  // namespace kiln::data
