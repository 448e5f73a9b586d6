#include <kiln/data/annotations/annotations.h>

#include <cmath>

#include <kiln/data/annotations/reading.h>
#include <kiln/data/sets/file.h>
#include <kiln/image/format.h>
#include <kiln/io/bytes/file.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::data {

std::string Annotations::path_of(const AnnotatedImage& image) const {
  return image.path.starts_with('/') ? image.path : join_path(folder, image.path);
}

Annotations Annotations::of_split(const std::string& split) const {
  Annotations part = {folder, classes, {}, packed};
  for (const AnnotatedImage& image : images)
    if (image.split == split) part.images.push_back(image);
  return part;
}

std::vector<int64_t> Annotations::class_counts() const {
  std::vector<int64_t> counts(classes.size(), 0);
  const auto count = [&](int64_t label) {
    if (label >= 0 && label < int64_t(counts.size())) ++counts[size_t(label)];
  };
  for (const AnnotatedImage& image : images) {
    for (const int64_t label : image.labels) count(label);
    for (const ObjectBox& box : image.boxes) count(box.label);
  }
  return counts;
}

void read_sizes(Annotations& annotations, const AnnotationOptions& options) {
  for (AnnotatedImage& image : annotations.images) {
    if (image.width > 0 && image.height > 0) continue;
    const std::string path = annotations.path_of(image);
    try {
      const io::InputFile file(path);
      const Ref<Storage> bytes = file.map(false);
      const std::string_view content =
          bytes ? std::string_view(static_cast<const char*>(bytes->data), size_t(file.size()))
                : std::string_view();
      const image::Info info = image::info(content);
      image.width = info.width;
      image.height = info.height;
    } catch (const Error& error) {
      const std::string text = error.what();
      report(options, text.starts_with(path) ? text : fmt::format("{}: {}", path, text));
    }
  }
}

std::string problem_of(const ObjectBox& box, const AnnotatedImage& image) {
  const std::string name =
      fmt::format("the box {} x {} at ({}, {})", box.width, box.height, box.left, box.top);
  if (!std::isfinite(box.left) || !std::isfinite(box.top) || !std::isfinite(box.width) ||
      !std::isfinite(box.height))
    return name + " is not finite";
  if (box.width <= 0 || box.height <= 0) return name + " has no area";
  uint64_t pixels = 0;
  for (const uint32_t run : box.mask.runs) pixels += run;
  if (!(box.mask == Rle()) &&
      (box.mask.runs.empty() || pixels != uint64_t(box.mask.height) * uint64_t(box.mask.width)))
    return fmt::format("{} has a mask of {} x {} whose runs are {} pixels", name, box.mask.width,
                       box.mask.height, pixels);
  constexpr double kRounding = 1;  // pixel
  const auto beyond = [](double begin, double size, int64_t most) {
    return most > 0 && (begin < -kRounding || begin + size > double(most) + kRounding);
  };
  if (beyond(box.left, box.width, image.width) || beyond(box.top, box.height, image.height))
    return fmt::format("{} is outside of the picture of {} x {}", name, image.width, image.height);
  return "";
}

}  // namespace kiln::data
