#include <cmath>

#include <kiln/image/move/crop.h>
#include <kiln/image/resample/centre.h>
#include <kiln/image/resample/picture.h>
#include <kiln/image/resize.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

void check_size(const char* op, Size size) {
  if (size.height < 1 || size.width < 1)
    fail("{}: the size {} x {} is not one of a picture", op, size.height, size.width);
}

}  // namespace

int64_t centre_of(int64_t size, int64_t crop) { return int64_t(std::nearbyint(double(size - crop) / 2)); }

Tensor center_crop(const Tensor& picture, Size size) {
  check_picture("center_crop", picture);
  check_size("center_crop", size);
  const int64_t height = picture.size(1), width = picture.size(2);
  if (size.height <= height && size.width <= width)
    return window(picture, centre_of(height, size.height), centre_of(width, size.width), size.height,
                  size.width);
  return crop(picture, center_window({height, width}, {size.height, size.width}));
}

std::array<Tensor, 5> five_crop(const Tensor& picture, Size size) {
  check_picture("five_crop", picture);
  check_size("five_crop", size);
  const int64_t bottom = picture.size(1) - size.height, right = picture.size(2) - size.width;
  if (bottom < 0 || right < 0)
    fail("five_crop: the picture of {} x {} pixels is smaller than the crop of {} x {}", picture.size(1),
         picture.size(2), size.height, size.width);
  const auto at = [&](int64_t top, int64_t left) {
    return window(picture, top, left, size.height, size.width);
  };
  return {at(0, 0), at(0, right), at(bottom, 0), at(bottom, right), center_crop(picture, size)};
}

}  // namespace kiln::image
