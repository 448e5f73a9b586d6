#include <algorithm>

#include <kiln/data/augment/draw.h>
#include <kiln/data/augment/move.h>
#include <kiln/image/move/movement.h>

namespace kiln::data {
namespace {

// The whole width or height at the ratio that comes nearest, in the middle.
image::Window fallback(Pair size, const Interval& ratio) {
  const double given = double(size.w) / double(size.h);
  Pair part = size;
  if (given < ratio.low) part.h = std::llrint(double(size.w) / ratio.low);
  if (given > ratio.high) part.w = std::llrint(double(size.h) * ratio.high);
  part = {std::clamp<int64_t>(part.h, 1, size.h), std::clamp<int64_t>(part.w, 1, size.w)};
  return {(size.h - part.h) / 2, (size.w - part.w) / 2, part.h, part.w};
}

image::Window window(Pair size, const ResizedCropOptions& options, RandomStream& random) {
  const double area = double(size.h) * double(size.w);
  const Interval log_ratio(std::log(options.ratio.low), std::log(options.ratio.high));
  for (int tries = 0; tries < 10; ++tries) {
    const double target = area * uniform(options.scale, random);
    const double ratio = std::exp(uniform(log_ratio, random));
    const int64_t w = std::llrint(std::sqrt(target * ratio)), h = std::llrint(std::sqrt(target / ratio));
    if (w < 1 || w > size.w || h < 1 || h > size.h) continue;
    const int64_t top = random.below(size.h - h + 1), left = random.below(size.w - w + 1);
    return {top, left, h, w};
  }
  return fallback(size, options.ratio);
}

}  // namespace

RandomResizedCrop::RandomResizedCrop(Pair size, const ResizedCropOptions& options)
    : size_(size), options_(options) {
  if (size.h < 1 || size.w < 1)
    fail("RandomResizedCrop: a size of {}x{} pixels is not possible", size.h, size.w);
  checked_interval("RandomResizedCrop", "scale", options.scale, {0, 1});
  checked_interval("RandomResizedCrop", "ratio", options.ratio, {1e-6, 1e6});
}

image::Movement RandomResizedCrop::movement(Pair size, RandomStream& random) const {
  if (size.h < 1 || size.w < 1) fail("RandomResizedCrop: an image of {}x{} has no pixels", size.h, size.w);
  return image::resized_crop_movement(window(size, options_, random), size_, options_.interpolation);
}

}  // namespace kiln::data
