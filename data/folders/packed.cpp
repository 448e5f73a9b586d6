#include <kiln/data/folders/packed.h>

#include <kiln/data/annotations/manifest_entry.h>
#include <kiln/data/folders/packed_file.h>
#include <kiln/data/folders/targets.h>
#include <kiln/image/resize.h>
#include <kiln/io/bytes/crc32c.h>
#include <kiln/io/load.h>

namespace kiln::data {
namespace {

constexpr const char* kName = "PackedPictures";

Tensor part_of(const Value& file, const std::string& path, const char* key, DType dtype) {
  const Value* part = file.find(key);
  if (part == nullptr || !part->is_tensor() || part->as_tensor().dtype() != dtype)
    fail("{}: is no file of packed pictures: '{}' is no tensor of {}", path, key, dtype);
  return part->as_tensor();
}

}  // namespace

struct PackedPictures::State {
  State(const std::string& name, const PicturesOptions& chosen) : path(name), options(chosen) {
    const Value file = io::load(path, {.verify = false, .map = true});
    const Value* kind = file.is_dict() ? file.find("kind") : nullptr;
    const Value* how = file.is_dict() ? file.find("encoded") : nullptr;
    if (kind == nullptr || !kind->is_string() || kind->as_string() != kPackedKind || how == nullptr ||
        !how->is_bool())
      fail("{}: is no file of packed pictures", path);
    encoded = how->as_bool();
    const Tensor manifest = part_of(file, path, "manifest", uint8);
    const std::string what = path + ": its manifest";
    annotations = parse_manifest({static_cast<const char*>(manifest.raw_data()), size_t(manifest.numel())},
                                 '{', what, {.allow_outside = true});
    annotations.folder = "";
    annotations.packed = path;
    bytes = part_of(file, path, "bytes", uint8);
    offsets = part_of(file, path, "offsets", int64).to_vector<int64_t>();
    checksums = part_of(file, path, "checksums", int64).to_vector<int64_t>();
    if (!encoded) shapes = part_of(file, path, "shapes", int64).to_vector<int64_t>();
    check();
  }

  // Nothing that the file says of its parts is believed before it fits.
  void check() const {
    const size_t count = annotations.images.size();
    bool good = offsets.size() == count + 1 && checksums.size() == count && bytes.dim() == 1 &&
                (encoded || shapes.size() == 3 * count) && offsets.front() == 0 &&
                offsets.back() == bytes.numel();
    for (size_t i = 0; good && i < count; ++i) {
      good = offsets[i] <= offsets[i + 1];
      if (encoded || !good) continue;
      int64_t size = 1;
      for (size_t d = 0; d < 3 && good; ++d)
        good = shapes[3 * i + d] > 0 && !__builtin_mul_overflow(size, shapes[3 * i + d], &size);
      good = good && size == offsets[i + 1] - offsets[i];
    }
    if (!good) fail("{}: is damaged: its parts do not fit each other", path);
    check_targets(kName, annotations, options.target);
  }

  Tensor picture(int64_t index) const {
    const auto i = size_t(index);
    const char* begin = static_cast<const char*>(bytes.raw_data()) + offsets[i];
    const auto size = size_t(offsets[i + 1] - offsets[i]);
    const std::string& name = annotations.images[i].path;
    if (int64_t(io::crc32c(begin, size)) != checksums[i])
      fail("{}: picture {} ('{}') is damaged: its checksum is another", path, index, name);
    if (encoded) {
      try {
        return image::decode({begin, size}, options.decode);
      } catch (const Error& error) {
        fail("{}: picture {} ('{}'): {}", path, index, name, error.what());
      }
    }
    const int64_t channels = shapes[3 * i], height = shapes[3 * i + 1], width = shapes[3 * i + 2];
    Layout layout = Layout::contiguous({channels, height, width});
    layout.strides[0] = 1, layout.strides[1] = width * channels, layout.strides[2] = channels;
    layout.offset = bytes.storage_offset() + offsets[i];
    return from_storage(bytes.impl()->storage, uint8, layout);
  }

  std::string path;
  PicturesOptions options;
  bool encoded = false;
  Annotations annotations;
  Tensor bytes;
  std::vector<int64_t> offsets, checksums, shapes;
};

PackedPictures::PackedPictures(const std::string& path, const PicturesOptions& options) {
  if (options.skip_bad != 0 || options.cache_bytes != 0)
    fail("{}: skip_bad and cache_bytes are of no use for a packed file", kName);
  struct Owner : Held {
    Owner(const std::string& name, const PicturesOptions& chosen) : state(name, chosen) {}
    State state;
  };
  auto* owner = new Owner(path, options);
  owner_ = Ref<Held>(owner);
  state_ = &owner->state;
}

int64_t PackedPictures::size() const { return int64_t(state_->annotations.images.size()); }
const Annotations& PackedPictures::annotations() const { return state_->annotations; }
const std::vector<std::string>& PackedPictures::class_names() const { return state_->annotations.classes; }

Sample PackedPictures::sample(int64_t index) const {
  if (index < 0 || index >= size()) fail("{}: there is no sample {} among {}", kName, index, size());
  const AnnotatedImage& image = state_->annotations.images[size_t(index)];
  Tensor x = state_->picture(index);
  const int64_t shorter = state_->options.shorter_side;
  if (shorter > 0 && std::min(x.shape()[1], x.shape()[2]) > shorter) x = image::resize_shorter(x, shorter);
  Sample sample({x}, {image.path});
  add_target(sample, image, state_->options.target, state_->annotations.classes.size(), x.shape());
  return sample;
}

int64_t PackedPictures::label(int64_t index) const {
  if (index < 0 || index >= size()) fail("{}: there is no sample {} among {}", kName, index, size());
  return only_label(kName, state_->annotations.images[size_t(index)]);
}

std::vector<int64_t> PackedPictures::split(const std::string& name) const {
  std::vector<int64_t> indices;
  for (size_t i = 0; i < state_->annotations.images.size(); ++i)
    if (state_->annotations.images[i].split == name) indices.push_back(int64_t(i));
  return indices;
}

}  // namespace kiln::data
