#include <kiln/image/compose/scene.h>

#include <algorithm>
#include <cmath>

#include <kiln/image/compose/paste.h>
#include <kiln/image/elements.h>
#include <kiln/image/move/flip.h>
#include <kiln/image/move/warp.h>
#include <kiln/image/resize.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image::compose {
namespace {

constexpr uint8_t kHalf = 128;  // alpha from which on a pixel is the object's

// An object as it will be pasted: its picture with alpha, and where its first pixel goes.
struct Cutout {
  Tensor picture;
  int64_t top, left;

  int64_t height() const { return picture.shape()[1]; }
  int64_t width() const { return picture.shape()[2]; }
  const uint8_t* alpha() const {
    return picture.data<uint8_t>() + (picture.shape()[0] - 1) * height() * width();
  }
};

Tensor with_alpha(const Object& object, int64_t channels, size_t number) {
  check_pixels("scene", object.picture, false);
  const Tensor picture = contiguous_copy(object.picture);
  const Pair size = size_of_picture(picture);
  if (size.h < 1 || size.w < 1) fail("scene: object {} has no pixels ({})", number, picture.shape());
  if (!object.mask.defined() && picture.shape()[0] == channels + 1) return picture;
  if (!object.mask.defined() || picture.shape()[0] != channels)
    fail(
        "scene: object {} has {} channels; on a background with {} it needs {}, the last of which is alpha, "
        "or {} and a "
        "mask",
        number, picture.shape()[0], channels, channels + 1, channels);
  if (object.mask.dtype() != uint8 || object.mask.shape() != Shape{size.h, size.w})
    fail("scene: the mask of object {} must be uint8 [{},{}], got {} {}", number, size.h, size.w,
         object.mask.dtype(), object.mask.shape());
  const Tensor mask = contiguous_copy(object.mask);
  Tensor both = new_picture(picture, channels + 1, size);
  std::copy_n(mask.data<uint8_t>(), mask.numel(),
              std::copy_n(picture.data<uint8_t>(), picture.numel(), both.data<uint8_t>()));
  return both;
}

Cutout placed(const Object& object, const Placement& p, int64_t channels, const SceneOptions& options,
              size_t number) {
  constexpr double kMost = 1 << 15;  // pixels of a side
  if (!(p.scale > 0) || !std::isfinite(p.x) || !std::isfinite(p.y) || !std::isfinite(p.degrees))
    fail("scene: object {} cannot go to {}, {} with scale {} and {} degrees", number, p.x, p.y, p.scale,
         p.degrees);
  Tensor picture = with_alpha(object, channels, number);
  const double high = double(picture.shape()[1]) * p.scale, wide = double(picture.shape()[2]) * p.scale;
  if (high > kMost || wide > kMost) fail("scene: object {} would have {} x {} pixels", number, high, wide);
  if (p.mirrored) picture = hflip(picture);
  const Pair size(std::max<int64_t>(std::llrint(high), 1), std::max<int64_t>(std::llrint(wide), 1));
  if (size != size_of_picture(picture))
    picture = resize(picture, Size{size.h, size.w}, {.interpolation = options.interpolation});
  const Interpolation turned =
      options.interpolation == Interpolation::lanczos ? Interpolation::bicubic : options.interpolation;
  picture = contiguous_copy(rotate(picture, p.degrees, {.interpolation = turned, .expand = true}));
  constexpr double kFar = 1e12;
  return {picture, std::llrint(std::clamp(p.y, -kFar, kFar) - double(picture.shape()[1]) / 2),
          std::llrint(std::clamp(p.x, -kFar, kFar) - double(picture.shape()[2]) / 2)};
}

// Calls f(place in the scene) for each pixel of the object that lies inside.
template <class F>
void for_each_pixel(const Cutout& cutout, Pair size, F&& f) {
  for (int64_t i = 0; i < cutout.height(); ++i)
    for (int64_t j = 0; j < cutout.width(); ++j) {
      const int64_t y = cutout.top + i, x = cutout.left + j;
      if (cutout.alpha()[i * cutout.width() + j] >= kHalf && y >= 0 && y < size.h && x >= 0 && x < size.w)
        f(y * size.w + x);
    }
}

int64_t pixels_of(const Cutout& cutout) {
  return std::count_if(cutout.alpha(), cutout.alpha() + cutout.height() * cutout.width(),
                       [](uint8_t alpha) { return alpha >= kHalf; });
}

// Which pixel is whose, 1 + the object's place in the list. From the top down: what an object shows depends
// on those above it alone, and one that is left out hides nothing.
std::vector<int64_t> owners(const std::vector<Cutout>& cutouts, const SceneOptions& options, Pair size,
                            std::vector<bool>& stays, std::vector<double>& visible) {
  std::vector<int64_t> owner(size_t(size.h * size.w), 0);
  for (size_t n = cutouts.size(); n-- > 0;) {
    int64_t seen = 0;
    for_each_pixel(cutouts[n], size, [&](int64_t at) { seen += owner[size_t(at)] == 0; });
    const int64_t all = pixels_of(cutouts[n]);
    visible[n] = all == 0 ? 0 : double(seen) / double(all);
    stays[n] = seen >= std::max<int64_t>(options.min_pixels, 1) && visible[n] >= options.min_visible;
    if (!stays[n]) continue;
    for_each_pixel(cutouts[n], size, [&](int64_t at) {
      if (owner[size_t(at)] == 0) owner[size_t(at)] = int64_t(n) + 1;
    });
  }
  return owner;
}

struct Bounds {
  int64_t left = INT64_MAX, top = INT64_MAX, right = 0, bottom = 0;

  void add(int64_t x, int64_t y) {
    left = std::min(left, x);
    top = std::min(top, y);
    right = std::max(right, x + 1);
    bottom = std::max(bottom, y + 1);
  }
};

// Fills everything but the picture.
void annotate(Scene& scene, const std::vector<int64_t>& owner, const std::vector<int64_t>& rows, Pair size) {
  const int64_t count = int64_t(scene.objects.size()), plane = size.h * size.w;
  scene.boxes = empty({count, 4}, {.device = cpu});
  scene.masks = empty({count, size.h, size.w}, {.dtype = uint8, .device = cpu});
  scene.instances = empty({size.h, size.w}, {.dtype = int64, .device = cpu});
  std::fill_n(scene.masks.data<uint8_t>(), count * plane, uint8_t(0));
  std::vector<Bounds> bounds(static_cast<size_t>(count));
  for (int64_t at = 0; at < plane; ++at) {
    const int64_t n = owner[size_t(at)], row = n == 0 ? 0 : rows[size_t(n) - 1] + 1;
    scene.instances.data<int64_t>()[at] = row;
    if (row == 0) continue;
    scene.masks.data<uint8_t>()[(row - 1) * plane + at] = 1;
    bounds[size_t(row) - 1].add(at % size.w, at / size.w);
  }
  float* box = scene.boxes.data<float>();
  for (const Bounds& b : bounds)
    for (const int64_t edge : {b.left, b.top, b.right, b.bottom}) *box++ = float(edge);
}

}  // namespace

Scene scene(const Tensor& background, const std::vector<Object>& objects,
            const std::vector<Placement>& placements, const SceneOptions& options) {
  check_pixels("scene", background, false);
  if (objects.size() != placements.size())
    fail("scene: {} objects and {} placements; each object needs one", objects.size(), placements.size());
  const Pair size = size_of_picture(background);
  std::vector<Cutout> cutouts;
  for (size_t n = 0; n < objects.size(); ++n)
    cutouts.push_back(placed(objects[n], placements[n], background.shape()[0], options, n));
  std::vector<bool> stays(objects.size(), false);
  std::vector<double> visible(objects.size(), 0);
  const std::vector<int64_t> owner = owners(cutouts, options, size, stays, visible);
  Scene result;
  result.picture = contiguous_copy(background);
  std::vector<int64_t> rows(objects.size(), -1);
  for (size_t n = 0; n < objects.size(); ++n) {
    if (!stays[n]) continue;
    rows[n] = int64_t(result.objects.size());
    result.objects.push_back(int64_t(n));
    result.visible.push_back(visible[n]);
    result.picture =
        paste(result.picture, cutouts[n].picture, {.top = cutouts[n].top, .left = cutouts[n].left});
  }
  annotate(result, owner, rows, size);
  result.labels = empty({int64_t(result.objects.size())}, {.dtype = int64, .device = cpu});
  for (size_t row = 0; row < result.objects.size(); ++row)
    result.labels.data<int64_t>()[row] = objects[size_t(result.objects[row])].label;
  return result;
}

}  // namespace kiln::image::compose
