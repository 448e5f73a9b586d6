#pragma once

#include <kiln/data/annotations/annotations.h>
#include <kiln/data/dataset.h>
#include <kiln/image/decode.h>

namespace kiln::data {

// What a sample has beside its picture.
enum class PictureTarget : uint8_t {
  label,   // int64 []: the picture's only label
  labels,  // float32 [classes]: 1 for each of its labels
  boxes,  // float32 [n,4] of left, top, right, bottom in pixels, and int64 [n] labels: batches need a collate
  none
};

struct PicturesOptions {
  PictureTarget target = PictureTarget::label;
  bool weight = false;  // a third tensor: the picture's weight, a float32 scalar
  image::DecodeOptions decode = {};
  int64_t shorter_side = 0;  // larger pictures are resized to it (image::resize_shorter), boxes with them
  // So many pictures may be unreadable. Such a sample is that of the next readable picture after it (of the
  // last: of the first), so that each batch has its size and each index still means one sample, whatever the
  // workers and the place where a run is resumed. One more is an Error, as the first is by default.
  int64_t skip_bad = 0;
  // Decoded pictures that are kept in memory, as many as fit, those that are asked for first.
  int64_t cache_bytes = 0;
};

// The pictures of annotations, read and decoded when they are asked for, from files or from the packed file
// of the annotations. Sample i is {uint8 [C,H,W], target[, weight]} and the text of the picture's path.
// Throws when a picture has not the one label that `target` needs, or a label is none of the classes; an
// Error of a picture that cannot be read names its file.
class Pictures : public SampleDataset {
 public:
  explicit Pictures(Annotations annotations, const PicturesOptions& options = {});

  int64_t size() const override;
  Sample sample(int64_t index) const override;
  int64_t label(int64_t index) const override;
  const std::vector<std::string>& class_names() const override;
  const Annotations& annotations() const;
  // Indices that could not be read so far, sorted: those whose samples are another's.
  std::vector<int64_t> bad() const;

 private:
  struct State;
  Ref<Held> owner_;
  const State* state_;
};

struct ImageFolderOptions {
  PicturesOptions pictures = {};
  bool allow_empty = false;  // a class without pictures is an Error that names it, unless this is set
  // By content: what begins as no picture that is read here is left out, whatever its name. False: by name,
  // as torchvision does.
  bool by_content = false;
};

// folder/CLASS/.../x.jpg: classes are the folder's own folders, sorted by their bytes, pictures are sorted by
// path within each class, as in torchvision. Links are followed, but not in circles; names that begin with a
// dot are passed over. Throws an Error for a folder without classes.
Annotations read_image_folder(const std::string& folder, const ImageFolderOptions& options = {});

//     data::DataLoader loader(data::ImageFolder("flowers/train"), {.batch_size = 32, .shuffle = true});
class ImageFolder : public Pictures {
 public:
  explicit ImageFolder(const std::string& folder, const ImageFolderOptions& options = {});
};

}  // namespace kiln::data
