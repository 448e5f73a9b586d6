#include <kiln/image/move/pad.h>

#include <algorithm>

#include <kiln/image/elements.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

// What is cut off is gone before the rest is mirrored.
std::vector<int64_t> axis(int64_t size, int64_t before, int64_t after, PadMode mode) {
  const int64_t first = std::max<int64_t>(-before, 0), kept = size - first + std::min<int64_t>(after, 0);
  std::vector<int64_t> indices;
  for (int64_t i = -std::max<int64_t>(before, 0); i < kept + std::max<int64_t>(after, 0); ++i) {
    const int64_t index = padded_index(i, kept, mode);
    indices.push_back(index < 0 ? -1 : first + index);
  }
  return indices;
}

void check_padding(const Tensor& picture, const Padding& p, PadMode mode) {
  constexpr int64_t kMost = int64_t(1) << 30;
  for (const int64_t side : {p.left, p.top, p.right, p.bottom})
    if (side > kMost || side < -kMost) fail("pad: a border of {} pixels is not possible", side);
  const auto [h, w] = size_of_picture(picture);
  const int64_t kept_h = h + std::min<int64_t>(p.top, 0) + std::min<int64_t>(p.bottom, 0);
  const int64_t kept_w = w + std::min<int64_t>(p.left, 0) + std::min<int64_t>(p.right, 0);
  if (kept_h < 0 || kept_w < 0)
    fail("pad: left {}, top {}, right {}, bottom {} cut more off than a picture of {}x{} has", p.left, p.top,
         p.right, p.bottom, h, w);
  if (mode != PadMode::constant && (kept_h == 0 || kept_w == 0))
    fail("pad: a picture of {}x{} has no pixels to continue; pad it with a constant", kept_h, kept_w);
  check_size("pad", {kept_h + std::max<int64_t>(p.top, 0) + std::max<int64_t>(p.bottom, 0),
                     kept_w + std::max<int64_t>(p.left, 0) + std::max<int64_t>(p.right, 0)});
}

}  // namespace

int64_t padded_index(int64_t index, int64_t size, PadMode mode) {
  if (index >= 0 && index < size) return index;
  if (mode == PadMode::constant) return -1;
  if (mode == PadMode::edge || size == 1) return std::clamp<int64_t>(index, 0, size - 1);
  const int64_t period = mode == PadMode::reflect ? 2 * size - 2 : 2 * size;
  const int64_t place = ((index % period) + period) % period;
  if (place < size) return place;
  return mode == PadMode::reflect ? period - place : period - 1 - place;
}

Tensor pad(const Tensor& picture, const Padding& padding, const PadOptions& options) {
  check_planes("pad", picture);
  check_padding(picture, padding, options.mode);
  const Pair size = size_of_picture(picture);
  std::vector<Wide> fill;
  if (options.mode == PadMode::constant) fill = fill_elements("pad", options.fill, picture);
  return take(picture, axis(size.h, padding.top, padding.bottom, options.mode),
              axis(size.w, padding.left, padding.right, options.mode), fill);
}

}  // namespace kiln::image
