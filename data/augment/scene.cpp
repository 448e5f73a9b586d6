#include <kiln/data/augment/scene.h>

#include <kiln/data/augment/draw.h>
#include <kiln/image/elements.h>

namespace kiln::data {

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
  for (image::compose::Placement& placement : placements) {
    placement.x = uniform(options.x, random) * double(size.w);
    placement.y = uniform(options.y, random) * double(size.h);
    placement.scale = std::exp(uniform(log_scale, random));
    placement.degrees = uniform(options.degrees, random);
    placement.mirrored = chance(options.mirrored, random);
  }
  return image::compose::scene(background, objects, placements, options.scene);
}

}  // namespace kiln::data
