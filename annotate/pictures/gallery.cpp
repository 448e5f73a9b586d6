#include <kiln/annotate/pictures/gallery.h>

#include <algorithm>
#include <cmath>

#include <kiln/annotate/labels/find_pictures.h>
#include <kiln/image/decode.h>
#include <kiln/image/encode.h>
#include <kiln/io/bytes/file.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::annotate {
namespace {

constexpr int64_t kMostPixels = 400'000'000;  // of a file; 1.2 GB while it is decoded
constexpr int64_t kManyPixels = 40'000'000;
constexpr int64_t kMostFileBytes = 1 << 30;
constexpr int64_t kMostSentBytes = 4 << 20;  // of a file as it is; a larger one is encoded anew
constexpr int64_t kThumbnail = 320;          // pixels; smaller ones need not be as good
constexpr int kEdgeOn = 5;                   // EXIF orientations from here on are on their side

image::Size upright(const image::Info& info) {
  return info.orientation >= kEdgeOn ? image::Size{info.width, info.height}
                                     : image::Size{info.height, info.width};
}

bool is_sent_as_it_is(const image::Info& info, const std::string& bytes, int64_t most) {
  const bool is_known = info.format == image::Format::jpeg || info.format == image::Format::png;
  return is_known && info.orientation == 1 && std::max(info.width, info.height) <= most &&
         int64_t(bytes.size()) <= kMostSentBytes;
}

Tensor scaled(const Tensor& picture, int64_t most) {
  const int64_t height = picture.shape()[1], width = picture.shape()[2], longer = std::max(height, width);
  if (longer <= most) return picture;
  const auto side = [&](int64_t pixels) {
    return std::max<int64_t>(1, std::llround(double(pixels) * double(most) / double(longer)));
  };
  return image::resize(picture, {side(height), side(width)});
}

Shown shown_of(std::string bytes, int64_t most, std::mutex& large) {
  const image::Info info = image::info(bytes);
  std::unique_lock<std::mutex> alone(large, std::defer_lock);
  if (info.width * info.height > kManyPixels) alone.lock();
  const Tensor picture = image::decode(bytes, {.apply_orientation = true, .max_pixels = kMostPixels});
  if (is_sent_as_it_is(info, bytes, most))
    return {info.format == image::Format::png ? "image/png" : "image/jpeg", std::move(bytes)};
  const int quality = most <= kThumbnail ? 80 : 92;
  return {"image/jpeg", image::encode_jpeg(scaled(picture, most), {.quality = quality})};
}

}  // namespace

std::string Gallery::read(const std::string& path) const {
  const std::string real = real_path_in(folder_, path);
  if (real.empty()) throw Unreadable("the file is not in the folder");
  try {
    const io::InputFile file(real);
    if (file.size() > kMostFileBytes) throw Unreadable("the file has more than 1 GiB");
    return file.read(0, file.size());
  } catch (const Error&) {
    throw Unreadable("the file cannot be read");
  }
}

image::Size Gallery::size(const std::string& path) const {
  const std::string bytes = read(path);
  try {
    return upright(image::info(bytes));
  } catch (const Error& error) {
    throw Unreadable(error.what());
  }
}

std::shared_ptr<const Shown> Gallery::shown(const std::string& path, int64_t most) {
  const std::string key = fmt::format("{} {}", most, path);
  if (auto kept = find(key)) return kept;
  std::string bytes = read(path);
  try {
    const auto made = std::make_shared<const Shown>(shown_of(std::move(bytes), most, large_));
    keep(key, made);
    return made;
  } catch (const Error& error) {
    throw Unreadable(error.what());
  }
}

std::shared_ptr<const Shown> Gallery::find(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  const auto found = places_.find(key);
  if (found == places_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, found->second);
  return found->second->shown;
}

void Gallery::keep(const std::string& key, std::shared_ptr<const Shown> shown) {
  const std::scoped_lock lock(mutex_);
  if (places_.contains(key)) return;
  left_ -= int64_t(shown->bytes.size());
  kept_.push_front({key, std::move(shown)});
  places_[key] = kept_.begin();
  while (left_ < 0 && kept_.size() > 1) {
    left_ += int64_t(kept_.back().shown->bytes.size());
    places_.erase(kept_.back().key);
    kept_.pop_back();
  }
}

}  // namespace kiln::annotate
