#include <cmath>
#include <cstring>

#include <kiln/image/colour/channels.h>
#include <kiln/image/colour/colour.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

// Pillow's filter SMOOTH at x: the pixel counts five times, its eight neighbours once. The order of the sums
// is Pillow's: they are floats.
uint8_t smooth(const uint8_t* above, const uint8_t* row, const uint8_t* below) {
  constexpr float kOne = 1.f / 13.f, kFive = 5.f / 13.f;
  float sum = 0.5f;
  sum += float(below[-1]) * kOne + float(below[0]) * kOne + float(below[1]) * kOne;
  sum += float(row[-1]) * kOne + float(row[0]) * kFive + float(row[1]) * kOne;
  sum += float(above[-1]) * kOne + float(above[0]) * kOne + float(above[1]) * kOne;
  return uint8_t(sum >= 255 ? 255.f : sum);
}

// Pixels at the edge stay as they are.
void sharpen_plane(const uint8_t* from, uint8_t* to, int64_t height, int64_t width, float factor) {
  std::memcpy(to, from, size_t(height * width));
  for (int64_t i = 1; i < height - 1; ++i)
    for (int64_t j = 1; j < width - 1; ++j) {
      const int64_t at = i * width + j;
      to[at] = blend(smooth(from + at - width, from + at, from + at + width), from[at], factor);
    }
}

}  // namespace

Tensor adjust_sharpness(const Tensor& picture, double factor) {
  check_pixels("adjust_sharpness", picture, false);
  if (!(factor >= 0) || !std::isfinite(factor))
    fail("adjust_sharpness: the factor must be a number that is not negative, got {}", factor);
  const Tensor x = contiguous_copy(picture);
  const int64_t colours = colours_of("adjust_sharpness", x), h = x.shape()[1], w = x.shape()[2];
  const Tensor result = with_colours(x, colours);
  for (int64_t c = 0; c < colours; ++c)
    sharpen_plane(x.data<uint8_t>() + c * h * w, result.data<uint8_t>() + c * h * w, h, w, float(factor));
  return result;
}

}  // namespace kiln::image
