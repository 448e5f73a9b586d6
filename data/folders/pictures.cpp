#include <kiln/data/folders/pictures.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <unordered_map>

#include <kiln/data/folders/packed.h>
#include <kiln/data/folders/targets.h>
#include <kiln/image/resize.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::data {
namespace {

constexpr const char* kName = "Pictures";

// Pictures that were decoded, by index. It takes what comes until it is full.
class Cache {
 public:
  explicit Cache(int64_t bytes) : left_(bytes) {}

  Tensor find(int64_t index) const {
    const std::shared_lock lock(mutex_);
    const auto found = kept_.find(index);
    return found == kept_.end() ? Tensor() : found->second;
  }
  void keep(int64_t index, const Tensor& picture) const {
    const std::unique_lock lock(mutex_);
    const int64_t bytes = picture.nbytes();
    if (bytes <= left_ && kept_.try_emplace(index, picture).second) left_ -= bytes;
  }

 private:
  mutable std::shared_mutex mutex_;
  mutable std::unordered_map<int64_t, Tensor> kept_;
  mutable int64_t left_;
};

// Pictures of a packed file by their paths.
class Pack {
 public:
  Pack(const Annotations& annotations, const image::DecodeOptions& decode)
      : pictures_(annotations.packed, {.target = PictureTarget::none, .decode = decode}) {
    const std::vector<AnnotatedImage>& images = pictures_.annotations().images;
    for (size_t i = 0; i < images.size(); ++i) places_.emplace(images[i].path, int64_t(i));
    for (const AnnotatedImage& image : annotations.images)
      if (!places_.contains(image.path))
        fail("{}: {} holds no picture '{}'", kName, annotations.packed, image.path);
  }
  Tensor read(const std::string& path) const { return pictures_.sample(places_.at(path)).tensors[0]; }

 private:
  PackedPictures pictures_;
  std::unordered_map<std::string, int64_t> places_;
};

}  // namespace

struct Pictures::State {
  State(Annotations given, const PicturesOptions& chosen)
      : annotations(std::move(given)), options(chosen), cache(chosen.cache_bytes) {
    if (!annotations.packed.empty()) pack.emplace(annotations, options.decode);
  }

  Annotations annotations;
  PicturesOptions options;
  Cache cache;
  std::optional<Pack> pack;
  mutable std::mutex mutex;
  mutable std::set<int64_t> bad;

  void check() const {
    if (options.skip_bad < 0 || options.cache_bytes < 0 || options.shorter_side < 0)
      fail("{}: skip_bad, cache_bytes and shorter_side must not be negative", kName);
    check_targets(kName, annotations, options.target);
    if (options.target != PictureTarget::boxes || options.shorter_side == 0) return;
    for (const AnnotatedImage& image : annotations.images)
      if (image.width <= 0 || image.height <= 0)
        fail(
            "{}: the size of '{}' is not known, so its boxes cannot be resized; read_sizes(annotations) "
            "looks it up",
            kName, image.path);
  }

  Tensor picture(int64_t index) const {
    const AnnotatedImage& image = annotations.images[size_t(index)];
    if (options.cache_bytes > 0)
      if (const Tensor kept = cache.find(index); kept.defined()) return kept;
    Tensor x = pack ? pack->read(image.path) : image::read(annotations.path_of(image), options.decode);
    if (options.shorter_side > 0 && std::min(x.shape()[1], x.shape()[2]) > options.shorter_side)
      x = image::resize_shorter(x, options.shorter_side);
    if (options.cache_bytes > 0) cache.keep(index, x);
    return x;
  }

  bool is_bad(int64_t index) const {
    if (options.skip_bad == 0) return false;
    const std::lock_guard lock(mutex);
    return bad.contains(index);
  }

  // Counts one more, or throws what it said.
  void add_bad(int64_t index, const Error& error) const {
    if (options.skip_bad == 0) throw error;
    const std::lock_guard lock(mutex);
    bad.insert(index);
    if (int64_t(bad.size()) > options.skip_bad)
      fail("{} (more than {} pictures cannot be read)", error.what(), options.skip_bad);
  }

  Sample sample_of(int64_t index) const {
    const AnnotatedImage& image = annotations.images[size_t(index)];
    const Tensor x = picture(index);
    Sample sample({x}, {pack ? image.path : annotations.path_of(image)});
    add_target(sample, image, options.target, annotations.classes.size(), x.shape());
    if (options.weight) sample.tensors.push_back(host_tensor<float>({float(image.weight)}, {}));
    return sample;
  }
};

Pictures::Pictures(Annotations annotations, const PicturesOptions& options) {
  struct Owner : Held {
    Owner(Annotations given, const PicturesOptions& chosen) : state(std::move(given), chosen) {}
    State state;
  };
  auto* owner = new Owner(std::move(annotations), options);
  owner_ = Ref<Held>(owner);
  state_ = &owner->state;
  state_->check();
}

int64_t Pictures::size() const { return int64_t(state_->annotations.images.size()); }
const Annotations& Pictures::annotations() const { return state_->annotations; }
const std::vector<std::string>& Pictures::class_names() const { return state_->annotations.classes; }

Sample Pictures::sample(int64_t index) const {
  if (index < 0 || index >= size()) fail("{}: there is no sample {} among {}", kName, index, size());
  for (int64_t step = 0; step < size(); ++step) {
    const int64_t at = (index + step) % size();
    if (state_->is_bad(at)) continue;
    try {
      return state_->sample_of(at);
    } catch (const Error& error) {
      state_->add_bad(at, error);
    }
  }
  fail("{}: none of {} pictures can be read", kName, size());
}

int64_t Pictures::label(int64_t index) const {
  if (index < 0 || index >= size()) fail("{}: there is no sample {} among {}", kName, index, size());
  return only_label(kName, state_->annotations.images[size_t(index)]);
}

std::vector<int64_t> Pictures::bad() const {
  const std::lock_guard lock(state_->mutex);
  return {state_->bad.begin(), state_->bad.end()};
}

}  // namespace kiln::data
