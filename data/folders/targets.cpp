#include <kiln/data/folders/targets.h>

#include <kiln/tensor/base/fail.h>

namespace kiln::data {

void check_targets(const char* what, const Annotations& annotations, PictureTarget target) {
  const auto classes = int64_t(annotations.classes.size());
  const auto check = [&](const AnnotatedImage& image, int64_t label) {
    if (label < 0 || label >= classes)
      fail("{}: '{}' has the label {} of {} classes", what, image.path, label, classes);
  };
  for (const AnnotatedImage& image : annotations.images) {
    for (const int64_t label : image.labels) check(image, label);
    for (const ObjectBox& box : image.boxes) check(image, box.label);
    if (target == PictureTarget::label) only_label(what, image);
  }
}

int64_t only_label(const char* what, const AnnotatedImage& image) {
  if (image.labels.size() != 1)
    fail("{}: '{}' has {} labels, one is needed; choose another target", what, image.path,
         image.labels.size());
  return image.labels[0];
}

void add_target(Sample& sample, const AnnotatedImage& image, PictureTarget target, size_t classes,
                const Shape& shape) {
  if (target == PictureTarget::label) sample.tensors.push_back(host_tensor<int64_t>({image.labels[0]}, {}));
  if (target == PictureTarget::labels) {
    std::vector<float> hot(classes, 0);
    for (const int64_t label : image.labels) hot[size_t(label)] = 1;
    sample.tensors.push_back(host_tensor(hot, {int64_t(classes)}));
  }
  if (target != PictureTarget::boxes) return;
  const double x = image.width > 0 ? double(shape[2]) / double(image.width) : 1;
  const double y = image.height > 0 ? double(shape[1]) / double(image.height) : 1;
  std::vector<float> sides;
  std::vector<int64_t> labels;
  for (const ObjectBox& box : image.boxes) {
    for (const double side :
         {box.left * x, box.top * y, (box.left + box.width) * x, (box.top + box.height) * y})
      sides.push_back(float(side));
    labels.push_back(box.label);
  }
  const auto count = int64_t(labels.size());
  sample.tensors.push_back(host_tensor(sides, {count, 4}));
  sample.tensors.push_back(host_tensor(labels, {count}));
}

}  // namespace kiln::data
