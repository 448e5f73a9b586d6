#include <numbers>

#include <kiln/data/augment/colour.h>
#include <kiln/data/augment/draw.h>
#include <kiln/image/colour/blur.h>
#include <kiln/image/elements.h>

namespace kiln::data {
namespace {

// Box and Muller.
float normal(RandomStream& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.uniform_double()));
  return float(radius * std::cos(2 * std::numbers::pi * random.uniform_double()));
}

// Writes into a contiguous image that nobody else holds.
void scatter(const Tensor& image, const image::Window& w, RandomStream& random) {
  const bool bytes = image.dtype() == uint8;
  const int64_t height = image.shape()[1], width = image.shape()[2];
  for (int64_t c = 0; c < image.shape()[0]; ++c)
    for (int64_t i = w.top; i < w.top + w.height; ++i)
      for (int64_t j = w.left; j < w.left + w.width; ++j) {
        const int64_t at = (c * height + i) * width + j;
        if (bytes)
          image.data<uint8_t>()[at] = uint8_t(random.bits() >> 24);
        else
          image.data<float>()[at] = normal(random);
      }
}

}  // namespace

RandomErasing::RandomErasing(RandomErasingOptions options) : options_(std::move(options)) {
  checked_probability("RandomErasing", options_.probability);
  checked_interval("RandomErasing", "scale", options_.scale, {0, 1});
  checked_interval("RandomErasing", "ratio", options_.ratio, {1e-6, 1e6});
}

Tensor RandomErasing::apply(const Tensor& image, RandomStream& random) const {
  image::check_pixels("RandomErasing", image);
  if (!chance(options_.probability, random)) return image;
  const Pair size = image::size_of_picture(image);
  const double area = double(size.h) * double(size.w);
  const Interval log_ratio(std::log(options_.ratio.low), std::log(options_.ratio.high));
  for (int tries = 0; tries < 10; ++tries) {
    const double target = area * uniform(options_.scale, random),
                 ratio = std::exp(uniform(log_ratio, random));
    const int64_t h = std::llrint(std::sqrt(target * ratio)), w = std::llrint(std::sqrt(target / ratio));
    if (h >= size.h || w >= size.w) continue;
    const int64_t top = random.below(size.h - h + 1), left = random.below(size.w - w + 1);
    const Tensor erased =
        image::erase(image, {top, left, h, w}, options_.random ? std::vector<float>{0} : options_.value);
    if (options_.random) scatter(erased, {top, left, h, w}, random);
    return erased;
  }
  return image;
}

}  // namespace kiln::data
