#pragma once

#include <kiln/data/augment/interval.h>
#include <kiln/data/transforms.h>

// Transforms that change colours, with torchvision's names, parameters and distributions; its random numbers
// are others. Images are uint8 [C,H,W] (what <kiln/image/colour/colour.h> takes), so they stand before
// ToFloat().

namespace kiln::data {

// How much a colour varies: Jitter(0.4) from 0.6 to 1.4 times, or from -0.4 to 0.4 of a hue; or from one to
// another.
struct Jitter {
  double low = 0, high = 0;
  bool is_amount = true;  // `high` of it
  constexpr Jitter(double amount = 0) : high(amount) {}
  constexpr Jitter(double least, double most) : low(least), high(most), is_amount(false) {}
};

struct ColorJitterOptions {
  Jitter brightness = {}, contrast = {}, saturation = {};
  Jitter hue = {};  // within -0.5 .. 0.5
};

// All that vary, in random order. float32 images too, where the hue does not vary.
class ColorJitter : public Transform {
 public:
  explicit ColorJitter(const ColorJitterOptions& options);
  Tensor apply(const Tensor& image, RandomStream& random) const override;

 private:
  Interval ranges_[4];
  bool varies_[4];
};

// In 1 channel, or the same in 3.
class Grayscale : public Transform {
 public:
  explicit Grayscale(int64_t channels = 1);
  Tensor apply(const Tensor& image, RandomStream& random) const override;

 private:
  int64_t channels_;
};

// A transform that does f with a probability: of the names below, which say what f is.
class ColourWithProbability : public Transform {
 public:
  Tensor apply(const Tensor& image, RandomStream& random) const override;

 protected:
  ColourWithProbability(const char* name, double probability, Function<Tensor(const Tensor&)> f);

 private:
  double probability_;
  Function<Tensor(const Tensor&)> f_;
};

struct RandomGrayscale : ColourWithProbability {  // the number of channels stays
  explicit RandomGrayscale(double probability = 0.1);
};
struct RandomInvert : ColourWithProbability {
  explicit RandomInvert(double probability = 0.5);
};
struct RandomPosterize : ColourWithProbability {
  explicit RandomPosterize(int bits, double probability = 0.5);
};
struct RandomSolarize : ColourWithProbability {
  explicit RandomSolarize(double threshold, double probability = 0.5);
};
struct RandomAdjustSharpness : ColourWithProbability {
  explicit RandomAdjustSharpness(double factor, double probability = 0.5);
};
struct RandomAutocontrast : ColourWithProbability {
  explicit RandomAutocontrast(double probability = 0.5);
};
struct RandomEqualize : ColourWithProbability {
  explicit RandomEqualize(double probability = 0.5);
};

// With a kernel of odd height and width, and one sigma for both drawn from the range. float32 images too.
class GaussianBlur : public Transform {
 public:
  explicit GaussianBlur(Pair kernel, const Interval& sigma = {0.1, 2.0});
  Tensor apply(const Tensor& image, RandomStream& random) const override;

 private:
  Pair kernel_;
  Interval sigma_;
};

struct RandomErasingOptions {
  double probability = 0.5;
  Interval scale = {0.02, 0.33};  // the window's share of the area
  Interval ratio = {0.3, 3.3};    // its height / width, uniform in the logarithm
  std::vector<float> value = {0};
  bool random = false;  // instead of value: normal numbers, or random bytes
};

// Overwrites a random window, of images before or after ToFloat(). Masks and boxes stay as they are.
class RandomErasing : public Transform {
 public:
  explicit RandomErasing(RandomErasingOptions options = {});
  Tensor apply(const Tensor& image, RandomStream& random) const override;

 private:
  RandomErasingOptions options_;
};

}  // namespace kiln::data
