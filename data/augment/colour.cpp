#include <kiln/data/augment/colour.h>

#include <algorithm>
#include <array>

#include <kiln/data/augment/draw.h>
#include <kiln/image/colour/blur.h>
#include <kiln/image/colour/colour.h>

namespace kiln::data {
namespace {

Interval jitter_range(const char* what, const Jitter& jitter, double center, const Interval& bounds) {
  if (!jitter.is_amount) return checked_interval("ColorJitter", what, {jitter.low, jitter.high}, bounds);
  if (!(jitter.high >= 0)) fail("ColorJitter: {} {} must not be negative", what, jitter.high);
  const double low = center - jitter.high;
  return checked_interval("ColorJitter", what, {center == 1 ? std::max(low, 0.0) : low, center + jitter.high},
                          bounds);
}

}  // namespace

ColorJitter::ColorJitter(const ColorJitterOptions& options)
    : ranges_{jitter_range("brightness", options.brightness, 1, {0, 1e6}),
              jitter_range("contrast", options.contrast, 1, {0, 1e6}),
              jitter_range("saturation", options.saturation, 1, {0, 1e6}),
              jitter_range("hue", options.hue, 0, {-0.5, 0.5})} {
  for (size_t i = 0; i < 4; ++i) {
    const double center = i < 3 ? 1 : 0;
    varies_[i] = ranges_[i].low != center || ranges_[i].high != center;
  }
}

Tensor ColorJitter::apply(const Tensor& image, RandomStream& random) const {
  using Adjust = Tensor (*)(const Tensor&, double);
  constexpr Adjust kAdjust[4] = {image::adjust_brightness, image::adjust_contrast, image::adjust_saturation,
                                 image::adjust_hue};
  std::vector<int64_t> order = {0, 1, 2, 3};
  shuffle(order, random);
  std::array<double, 4> factors;
  for (size_t i = 0; i < 4; ++i) factors[i] = uniform(ranges_[i], random);
  Tensor x = image;
  for (const int64_t step : order)
    if (varies_[step]) x = kAdjust[step](x, factors[size_t(step)]);
  return x;
}

Grayscale::Grayscale(int64_t channels) : channels_(channels) {
  if (channels != 1 && channels != 3) fail("Grayscale: gives 1 or 3 channels, not {}", channels);
}

Tensor Grayscale::apply(const Tensor& image, RandomStream&) const {
  return image::to_grayscale(image, channels_);
}

ColourWithProbability::ColourWithProbability(const char* name, double probability,
                                             Function<Tensor(const Tensor&)> f)
    : probability_(checked_probability(name, probability)), f_(std::move(f)) {}

Tensor ColourWithProbability::apply(const Tensor& image, RandomStream& random) const {
  return chance(probability_, random) ? f_(image) : image;
}

RandomGrayscale::RandomGrayscale(double probability)
    : ColourWithProbability("RandomGrayscale", probability, [](const Tensor& image) {
        return image.dim() == 3 && image.size(0) == 1 ? image : image::to_grayscale(image, 3);
      }) {}

RandomInvert::RandomInvert(double probability)
    : ColourWithProbability("RandomInvert", probability, image::invert) {}

RandomPosterize::RandomPosterize(int bits, double probability)
    : ColourWithProbability("RandomPosterize", probability,
                            [bits](const Tensor& image) { return image::posterize(image, bits); }) {
  if (bits < 0 || bits > 8) fail("RandomPosterize: keeps 0 .. 8 bits, got {}", bits);
}

RandomSolarize::RandomSolarize(double threshold, double probability)
    : ColourWithProbability("RandomSolarize", probability,
                            [threshold](const Tensor& image) { return image::solarize(image, threshold); }) {}

RandomAdjustSharpness::RandomAdjustSharpness(double factor, double probability)
    : ColourWithProbability("RandomAdjustSharpness", probability, [factor](const Tensor& image) {
        return image::adjust_sharpness(image, factor);
      }) {
  if (!(factor >= 0)) fail("RandomAdjustSharpness: the factor {} must not be negative", factor);
}

RandomAutocontrast::RandomAutocontrast(double probability)
    : ColourWithProbability("RandomAutocontrast", probability, image::autocontrast) {}

RandomEqualize::RandomEqualize(double probability)
    : ColourWithProbability("RandomEqualize", probability, image::equalize) {}

GaussianBlur::GaussianBlur(Pair kernel, const Interval& sigma)
    : kernel_(kernel), sigma_(checked_interval("GaussianBlur", "sigma", sigma, {1e-3, 1e6})) {
  if (kernel.h < 1 || kernel.w < 1 || kernel.h % 2 == 0 || kernel.w % 2 == 0)
    fail("GaussianBlur: the kernel's height and width must be odd, got {}x{}", kernel.h, kernel.w);
}

Tensor GaussianBlur::apply(const Tensor& image, RandomStream& random) const {
  const double sigma = uniform(sigma_, random);
  return image::gaussian_blur(image, kernel_, {sigma, sigma});
}

}  // namespace kiln::data
