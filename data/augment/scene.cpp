#include <kiln/data/augment/scene.h>

#include <algorithm>

#include <kiln/data/augment/draw.h>
#include <kiln/image/elements.h>

namespace kiln::data {

namespace {

// The scale at which the object is as long as the background is short.
double unit_of(const Tensor& object, Pair background) {
  image::check_planes("strew", object);
  const Pair size = image::size_of_picture(object);
  return double(std::min(background.h, background.w)) / double(std::max({size.h, size.w, int64_t(1)}));
}

}  // namespace

image::compose::Scene strew(const Tensor& background, const std::vector<image::compose::Object>& objects,
                            RandomStream& random, const StrewOptions& options) {
  image::check_planes("strew", background);
  checked_probability("strew", options.mirrored);
  checked_interval("strew", "scale", options.scale, {1e-6, 1e6});
  for (const Interval& place : {options.x, options.y}) checked_interval("strew", "place", place, 1e6);
  checked_interval("strew", "degrees", options.degrees, 1e9);
  const Pair size = image::size_of_picture(background);
  const Interval log_scale(std::log(options.scale.low), std::log(options.scale.high));
  std::vector<image::compose::Placement> placements(objects.size());
  for (size_t i = 0; i < objects.size(); ++i) {
    image::compose::Placement& placement = placements[i];
    placement.x = uniform(options.x, random) * double(size.w);
    placement.y = uniform(options.y, random) * double(size.h);
    placement.scale = std::exp(uniform(log_scale, random));
    if (options.relative) placement.scale *= unit_of(objects[i].picture, size);
    placement.degrees = uniform(options.degrees, random);
    placement.mirrored = chance(options.mirrored, random);
  }
  return image::compose::scene(background, objects, placements, options.scene);
}

}  // namespace kiln::data
