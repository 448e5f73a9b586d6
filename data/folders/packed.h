#pragma once

#include <kiln/data/folders/pictures.h>

namespace kiln::data {

struct PackOptions {
  // Files' bytes as they are. False: decoded, for reads that cost no decoding; with a size all have one
  // shape.
  bool encoded = false;
  image::DecodeOptions decode = {};
  int64_t shorter_side = 0;  // decoded ones are resized to it and
  int64_t crop = 0;          // cut to a square in the middle; 0: neither
  Function<void(int64_t done, int64_t total)> progress = {};
};

// Writes the pictures of annotations into one state file (.kiln), which appears whole or not at all:
//   "kind": "kiln.pictures", "encoded"
//   "manifest": uint8, a manifest of all pictures as .jsonl (manifest.h), with classes, boxes and splits
//   "bytes": uint8, the pictures one after the other; "offsets": int64 [n+1]; "shapes": int64 [n,3], C, H and
//   W,
//     of decoded ones, which lie as [H,W,C]; "checksums": int64 [n], CRC-32C of each
// Boxes follow a resize and a crop; those outside of it go. Memory: one picture; the file's size is free on
// the disk twice meanwhile. An Error names the picture that cannot be read.
void pack(const Annotations& annotations, const std::string& path, const PackOptions& options = {});

// Such a file, mapped: shuffled reads cost what the disk or the page cache costs. Samples are those of
// Pictures with the given target. Throws for what is not such a file, at once; a picture whose checksum is
// wrong is an Error when it is read.
class PackedPictures : public SampleDataset {
 public:
  explicit PackedPictures(const std::string& path, const PicturesOptions& options = {});

  int64_t size() const override;
  Sample sample(int64_t index) const override;
  int64_t label(int64_t index) const override;
  const std::vector<std::string>& class_names() const override;
  // With this file as Annotations::packed: Pictures of them, or of a part, are read from it.
  const Annotations& annotations() const;
  // Samples of one split, by index.
  std::vector<int64_t> split(const std::string& name) const;

 private:
  struct State;
  Ref<Held> owner_;
  const State* state_;
};

}  // namespace kiln::data
