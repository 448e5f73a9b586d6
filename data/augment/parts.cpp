#include <kiln/data/augment/parts.h>

#include <algorithm>

#include <kiln/image/elements.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::data {
namespace {

Tensor& part(Sample& sample, int64_t place, const char* what) {
  if (place < 0 || place >= int64_t(sample.tensors.size()))
    fail("Together: the {} is tensor {} of the sample, which has {}", what, place, sample.tensors.size());
  return sample.tensors[size_t(place)];
}

void check_mask(const Tensor& mask, Pair size, int64_t place) {
  if (!mask.defined() || mask.dim() < 2 || mask.dim() > 3 || mask.size(-2) != size.h ||
      mask.size(-1) != size.w)
    fail("Together: tensor {} is a mask of an image of {}x{} and needs to be as large, got {}", place, size.h,
         size.w, mask.defined() ? to_string(mask.shape()) : "an undefined tensor");
}

}  // namespace

Together::Together(Parts parts, std::vector<AnyTransform> steps)
    : parts_(std::move(parts)), steps_(std::move(steps)) {
  if (parts_.boxes < 0 && !parts_.rows.empty())
    fail("Together: rows go with boxes; say which tensor those are");
}

void Together::apply_to(Sample& sample, RandomStream& random) const {
  steps_.apply_parts(sample, parts_, random);
}

void move_parts(Sample& sample, const Parts& parts, const image::Movement& movement) {
  Tensor& image = part(sample, parts.image, "image");
  image::check_planes("Together", image);
  const Pair size = image::size_of_picture(image);
  for (const int64_t place : parts.masks) check_mask(part(sample, place, "mask"), size, place);
  image = movement(image);
  for (const int64_t place : parts.masks) {
    Tensor& mask = part(sample, place, "mask");
    mask = movement.mask(mask, parts.mask_fill);
  }
  if (parts.boxes < 0) return;
  Tensor& boxes = part(sample, parts.boxes, "boxes");
  const int64_t count = boxes.defined() && boxes.dim() > 0 ? boxes.size(0) : 0;
  image::MovedBoxes moved = image::move_boxes(boxes, movement, parts.visible);
  boxes = moved.boxes;
  for (const int64_t place : parts.rows) {
    Tensor& rows = part(sample, place, "tensor of rows");
    if (!rows.defined() || rows.dim() == 0 || rows.size(0) != count)
      fail("Together: tensor {} has a row for each of {} boxes, got {}", place, count,
           rows.defined() ? to_string(rows.shape()) : "an undefined tensor");
    if (int64_t(moved.kept.size()) < count) rows = image::rows_of(rows, moved.kept);
  }
}

void Transform::apply_parts(Sample& sample, const Parts& parts, RandomStream& random) const {
  Tensor& image = part(sample, parts.image, "image");
  image = apply(image, random);
}

Tensor Moving::apply(const Tensor& image, RandomStream& random) const {
  image::check_planes("image transform", image);
  return movement(image::size_of_picture(image), random)(image);
}

void Moving::apply_parts(Sample& sample, const Parts& parts, RandomStream& random) const {
  const Tensor& image = part(sample, parts.image, "image");
  image::check_planes("image transform", image);
  move_parts(sample, parts, movement(image::size_of_picture(image), random));
}

}  // namespace kiln::data
