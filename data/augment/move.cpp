#include <kiln/data/augment/move.h>

#include <kiln/data/augment/draw.h>
#include <kiln/image/move/movement.h>
#include <kiln/image/resize.h>

namespace kiln::data {
namespace {

constexpr int64_t kMostPixels = int64_t(1) << 24;  // of a side

Pair checked_size(const char* transform, Pair size) {
  if (size.h < 1 || size.w < 1 || size.h > kMostPixels || size.w > kMostPixels)
    fail("{}: a size of {}x{} pixels is not possible", transform, size.h, size.w);
  return size;
}

constexpr double kAny = 1e9;

}  // namespace

Resize::Resize(int64_t size, const ResizeOptions& options)
    : size_(checked_size("Resize", size).h, 0), options_(options) {
  if (options.max_size != 0 && options.max_size <= size)
    fail("Resize: max_size {} must be larger than the size {} of the shorter side", options.max_size, size);
}

Resize::Resize(int64_t height, int64_t width, const ResizeOptions& options)
    : size_(checked_size("Resize", {height, width})), options_(options) {
  if (options.max_size != 0) fail("Resize: max_size goes with one size, not with {}x{}", height, width);
}

image::Movement Resize::movement(Pair size, RandomStream&) const {
  if (size_.w != 0) return image::resize_movement(size, size_, options_.interpolation);
  const image::Size to = image::shorter_size({size.h, size.w}, size_.h, options_.max_size);
  if (Pair(to.height, to.width) == size) return image::unmoved(size);
  return image::resize_movement(size, {to.height, to.width}, options_.interpolation);
}

CenterCrop::CenterCrop(Pair size) : size_(checked_size("CenterCrop", size)) {}

image::Movement CenterCrop::movement(Pair size, RandomStream&) const {
  return image::crop_movement(image::center_window(size, size_));
}

Pad::Pad(const image::Padding& padding, image::PadOptions options)
    : padding_(padding), options_(std::move(options)) {}

image::Movement Pad::movement(Pair size, RandomStream&) const {
  return image::pad_movement(size, padding_, options_);
}

RandomVerticalFlip::RandomVerticalFlip(double probability)
    : probability_(checked_probability("RandomVerticalFlip", probability)) {}

image::Movement RandomVerticalFlip::movement(Pair size, RandomStream& random) const {
  return chance(probability_, random) ? image::vflip_movement(size) : image::unmoved(size);
}

image::Movement RandomQuarterTurn::movement(Pair size, RandomStream& random) const {
  return image::rot90_movement(size, random.below(4));
}

RandomRotation::RandomRotation(const Interval& degrees, RotationOptions options)
    : degrees_(checked_interval("RandomRotation", "degrees", degrees, kAny)), options_(std::move(options)) {}

image::Movement RandomRotation::movement(Pair size, RandomStream& random) const {
  return image::rotate_movement(size, uniform(degrees_, random),
                                {options_.interpolation, options_.expand, options_.center, options_.fill});
}

RandomAffine::RandomAffine(const Interval& degrees, RandomAffineOptions options)
    : degrees_(checked_interval("RandomAffine", "degrees", degrees, kAny)), options_(std::move(options)) {
  for (const double share : options_.translate)
    if (!(share >= 0 && share <= 1)) fail("RandomAffine: translate {} is not in 0 .. 1", share);
  checked_interval("RandomAffine", "scale", options_.scale, {1e-6, kAny});
  checked_interval("RandomAffine", "shear_x", options_.shear_x, kAny);
  checked_interval("RandomAffine", "shear_y", options_.shear_y, kAny);
}

image::Movement RandomAffine::movement(Pair size, RandomStream& random) const {
  image::AffineParameters drawn;
  drawn.angle = uniform(degrees_, random);
  drawn.translate = {std::nearbyint(uniform(options_.translate[0] * double(size.w), random)),
                     std::nearbyint(uniform(options_.translate[1] * double(size.h), random))};
  drawn.scale = uniform(options_.scale, random);
  drawn.shear = {uniform(options_.shear_x, random), uniform(options_.shear_y, random)};
  return image::affine_movement(size, drawn, {options_.interpolation, options_.fill, options_.center});
}

RandomPerspective::RandomPerspective(RandomPerspectiveOptions options) : options_(std::move(options)) {
  checked_probability("RandomPerspective", options_.probability);
  if (!(options_.distortion_scale >= 0 && options_.distortion_scale <= 1))
    fail("RandomPerspective: distortion_scale {} is not in 0 .. 1", options_.distortion_scale);
}

// An image of one row or column has no quadrilateral.
image::Movement RandomPerspective::movement(Pair size, RandomStream& random) const {
  if (!chance(options_.probability, random) || size.h < 2 || size.w < 2) return image::unmoved(size);
  const int64_t half_w = size.w / 2, half_h = size.h / 2;
  const auto reach_x = int64_t(options_.distortion_scale * double(half_w));
  const auto reach_y = int64_t(options_.distortion_scale * double(half_h));
  const auto near = [&](int64_t reach) { return double(random.below(reach + 1)); };
  const auto far = [&](int64_t length, int64_t reach) {
    return double(length - 1 - random.below(reach + 1));
  };
  std::array<image::Point, 4> end;
  end[0] = {.x = near(reach_x), .y = near(reach_y)};
  end[1] = {.x = far(size.w, reach_x), .y = near(reach_y)};
  end[2] = {.x = far(size.w, reach_x), .y = far(size.h, reach_y)};
  end[3] = {.x = near(reach_x), .y = far(size.h, reach_y)};
  const double right = double(size.w - 1), bottom = double(size.h - 1);
  const std::array<image::Point, 4> start = {image::Point{0, 0}, {right, 0}, {right, bottom}, {0, bottom}};
  if (!image::is_convex(end)) return image::unmoved(size);
  return image::perspective_movement(size, start, end, {options_.interpolation, options_.fill});
}

}  // namespace kiln::data
