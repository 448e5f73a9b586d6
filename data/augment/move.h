#pragma once

#include <optional>

#include <kiln/data/augment/interval.h>
#include <kiln/data/transforms.h>
#include <kiln/image/interpolation.h>
#include <kiln/image/move/pad.h>
#include <kiln/image/move/projection.h>

// Transforms that move pixels, with torchvision's names, parameters and distributions; its random numbers are
// others. Masks and boxes follow them in data::Together. They take images [C,H,W] of uint8, and of float32
// where nothing is resized.

namespace kiln::data {

struct ResizeOptions {
  image::Interpolation interpolation = image::Interpolation::bilinear;
  int64_t max_size = 0;  // of the longer side, where one size is given; 0: no limit
};

// The shorter side to `size` pixels, or height and width to these.
class Resize : public Moving {
 public:
  explicit Resize(int64_t size, const ResizeOptions& options = {});
  Resize(int64_t height, int64_t width, const ResizeOptions& options = {});
  image::Movement movement(Pair size, RandomStream& random) const override;

 private:
  Pair size_;  // of one size: width 0
  ResizeOptions options_;
};

// The middle; zeros where the image is smaller.
class CenterCrop : public Moving {
 public:
  explicit CenterCrop(Pair size);
  image::Movement movement(Pair size, RandomStream& random) const override;

 private:
  Pair size_;
};

class Pad : public Moving {
 public:
  explicit Pad(const image::Padding& padding, image::PadOptions options = {});
  image::Movement movement(Pair size, RandomStream& random) const override;

 private:
  image::Padding padding_;
  image::PadOptions options_;
};

struct ResizedCropOptions {
  Interval scale = {0.08, 1.0};             // the window's share of the area
  Interval ratio = {3.0 / 4.0, 4.0 / 3.0};  // its width / height, uniform in the logarithm
  image::Interpolation interpolation = image::Interpolation::bilinear;
};

// A window of random area, shape and place, resized. Where ten tries do not fit, the middle one of the
// nearest ratio.
class RandomResizedCrop : public Moving {
 public:
  explicit RandomResizedCrop(Pair size, const ResizedCropOptions& options = {});
  image::Movement movement(Pair size, RandomStream& random) const override;

 private:
  Pair size_;
  ResizedCropOptions options_;
};

// Mirrors top and bottom with the given probability.
class RandomVerticalFlip : public Moving {
 public:
  explicit RandomVerticalFlip(double probability = 0.5);
  image::Movement movement(Pair size, RandomStream& random) const override;

 private:
  double probability_;
};

// Turns by 0, 90, 180 or 270 degrees, each equally often (torchvision has no such transform).
class RandomQuarterTurn : public Moving {
 public:
  image::Movement movement(Pair size, RandomStream& random) const override;
};

struct RotationOptions {
  image::Interpolation interpolation = image::Interpolation::nearest;
  bool expand = false;
  std::optional<image::Point> center = {};
  std::vector<float> fill = {0};
};

// By degrees counter-clockwise: RandomRotation(15) from -15 to 15.
class RandomRotation : public Moving {
 public:
  explicit RandomRotation(const Interval& degrees, RotationOptions options = {});
  image::Movement movement(Pair size, RandomStream& random) const override;

 private:
  Interval degrees_;
  RotationOptions options_;
};

struct RandomAffineOptions {
  std::array<double, 2> translate = {0, 0};  // at most these shares of width and height, either way
  Interval scale = {1, 1};
  Interval shear_x = {0, 0}, shear_y = {0, 0};  // degrees
  image::Interpolation interpolation = image::Interpolation::nearest;
  std::vector<float> fill = {0};
  std::optional<image::Point> center = {};
};

class RandomAffine : public Moving {
 public:
  explicit RandomAffine(const Interval& degrees, RandomAffineOptions options = {});
  image::Movement movement(Pair size, RandomStream& random) const override;

 private:
  Interval degrees_;
  RandomAffineOptions options_;
};

struct RandomPerspectiveOptions {
  double distortion_scale = 0.5;  // how far corners move in, as a share of half the side
  double probability = 0.5;
  image::Interpolation interpolation = image::Interpolation::bilinear;
  std::vector<float> fill = {0};
};

class RandomPerspective : public Moving {
 public:
  explicit RandomPerspective(RandomPerspectiveOptions options = {});
  image::Movement movement(Pair size, RandomStream& random) const override;

 private:
  RandomPerspectiveOptions options_;
};

}  // namespace kiln::data
