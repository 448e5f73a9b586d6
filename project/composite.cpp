#include <kiln/project/composite.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include <kiln/data/annotations/manifest.h>
#include <kiln/data/annotations/reading.h>
#include <kiln/data/folders/pictures.h>
#include <kiln/image/decode.h>
#include <kiln/image/encode.h>
#include <kiln/image/resize.h>
#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/folder.h>
#include <kiln/project/by_threads.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::project {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kDraws = 20;  // until an object is seen

// From the folder, sorted.
std::vector<std::string> pictures_below(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->is_regular_file() && data::is_picture_name(at->path().filename().string()))
      paths.push_back(at->path().lexically_relative(folder).string());
  if (error) fail("composite: {}: {}", folder, error.message());
  if (paths.empty()) fail("composite: {} has no pictures to be backgrounds", folder);
  std::ranges::sort(paths);
  return paths;
}

Tensor read_object(const std::string& path) {
  constexpr int64_t kHead = 1 << 16;
  const io::InputFile file(path);
  const int channels = image::info(file.read(0, std::min(file.size(), kHead))).channels;
  if (channels != 2 && channels != 4)
    fail("composite: {} has no alpha channel, so nobody knows what of it is the object; cut it out", path);
  return image::read(path, {.mode = image::Mode::rgba});
}

class Composer {
 public:
  explicit Composer(const CompositeOptions& options)
      : options_(options),
        objects_(data::read_image_folder(options.objects)),
        backgrounds_(pictures_below(options.backgrounds)) {}

  const std::vector<std::string>& classes() const { return objects_.classes; }

  // Writes picture `index`.
  data::AnnotatedImage make(int64_t index) const {
    for (int64_t draw = 0; draw < kDraws; ++draw) {
      data::RandomStream random(options_.seed, draw, index);
      const std::string& background = backgrounds_[size_t(random.below(int64_t(backgrounds_.size())))];
      const image::compose::Scene scene =
          data::strew(read_background(background), chosen(random), random, options_.strew);
      if (scene.objects.empty()) continue;
      data::AnnotatedImage image = annotated(scene);
      image.path = fmt::format("pictures/{:06}.png", index);
      image.group = background;
      image::write(options_.out + "/" + image.path, scene.picture);
      return image;
    }
    fail(
        "composite: of picture {} no object is seen in {} draws; let them be larger or lie nearer the middle",
        index, kDraws);
  }

 private:
  Tensor read_background(const std::string& name) const {
    const Tensor picture = image::read(options_.backgrounds + "/" + name);
    if (options_.size == 0) return picture;
    return image::center_crop(image::resize_shorter(picture, options_.size), {options_.size, options_.size});
  }

  std::vector<image::compose::Object> chosen(data::RandomStream& random) const {
    std::vector<image::compose::Object> objects(
        size_t(options_.least + random.below(options_.most - options_.least + 1)));
    for (image::compose::Object& object : objects) {
      const data::AnnotatedImage& from =
          objects_.images[size_t(random.below(int64_t(objects_.images.size())))];
      object.picture = read_object(objects_.path_of(from));
      object.label = from.labels[0];
    }
    return objects;
  }

  data::AnnotatedImage annotated(const image::compose::Scene& scene) const {
    data::AnnotatedImage image = {.width = scene.picture.size(2), .height = scene.picture.size(1)};
    const std::vector<int64_t> labels = scene.labels.to_vector<int64_t>();
    const std::vector<double> edges = scene.boxes.to_vector<double>();
    for (size_t i = 0; i < labels.size(); ++i) {
      const double left = edges[4 * i], top = edges[4 * i + 1];
      image.boxes.push_back({.left = left,
                             .top = top,
                             .width = edges[4 * i + 2] - left,
                             .height = edges[4 * i + 3] - top,
                             .label = labels[i]});
      if (options_.masks) image.boxes.back().mask = data::encode_rle(scene.masks.select(0, int64_t(i)));
    }
    const std::set<int64_t> different(labels.begin(), labels.end());
    image.labels.assign(different.begin(), different.end());
    return image;
  }

  const CompositeOptions& options_;
  data::Annotations objects_;
  std::vector<std::string> backgrounds_;
};

void check(const CompositeOptions& options) {
  if (options.count < 1 || options.least < 1 || options.most < options.least || options.size < 0)
    fail(
        "composite: {} pictures of {} to {} objects with {} pixels a side; one and more are wanted, and the "
        "size "
        "may be 0",
        options.count, options.least, options.most, options.size);
  if (fs::exists(options.out + "/manifest.jsonl"))
    fail("composite: {} has a manifest.jsonl already; choose another folder", options.out);
}

}  // namespace

data::Annotations composite(const CompositeOptions& options) {
  check(options);
  const Composer composer(options);
  if (const std::error_code error = io::make_folders(options.out + "/pictures"))
    fail("{}: {}", options.out, error.message());
  data::Annotations made = {.folder = options.out, .classes = composer.classes()};
  made.images.resize(size_t(options.count));
  for_each_picture(options.count, options.threads, options.progress,
                   [&](int64_t i) { made.images[size_t(i)] = composer.make(i); });
  data::write_manifest(options.out + "/manifest.jsonl", made);
  return made;
}

}  // namespace kiln::project
