#include <kiln/image/move/crop.h>

#include <kiln/image/elements.h>
#include <kiln/image/resample/centre.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

std::vector<int64_t> part_of(int64_t start, int64_t length, int64_t size) {
  std::vector<int64_t> indices(static_cast<size_t>(length));
  for (int64_t i = 0; i < length; ++i)
    indices[size_t(i)] = start + i >= 0 && start + i < size ? start + i : -1;
  return indices;
}

// What is too large gets borders first, of which the right and bottom ones are the wider; halves round to
// even.
int64_t center_start(int64_t picture, int64_t size) {
  if (size > picture) return -((size - picture) / 2);
  return centre_of(picture, size);
}

}  // namespace

Tensor crop(const Tensor& picture, const Window& window) {
  check_planes("crop", picture);
  constexpr int64_t kFarthest = int64_t(1) << 40;
  const auto far = [](int64_t place) { return place > kFarthest || place < -kFarthest; };
  if (window.height < 0 || window.width < 0 || far(window.top) || far(window.left))
    fail("crop: a window of {}x{} pixels at row {}, column {} is not possible", window.height, window.width,
         window.top, window.left);
  check_size("crop", {window.height, window.width});
  const Pair size = size_of_picture(picture);
  return take(picture, part_of(window.top, window.height, size.h),
              part_of(window.left, window.width, size.w));
}

Window center_window(Pair picture, Pair size) {
  return {center_start(picture.h, size.h), center_start(picture.w, size.w), size.h, size.w};
}

}  // namespace kiln::image
