#pragma once

#include <kiln/data/augment/interval.h>
#include <kiln/data/random_stream.h>
#include <kiln/image/compose/scene.h>

namespace kiln::data {

// How objects are strewn: each range is drawn from evenly, the scale in its logarithm.
struct StrewOptions {
  Interval x = {0, 1}, y = {0, 1};  // of the objects' middles, as shares of the background's sides
  Interval scale = {0.5, 1.5};
  Interval degrees = {0, 0};
  double mirrored = 0.5;  // probability
  // The scale is that of the object's longer side to the background's shorter one, not that of its pixels.
  bool relative = false;
  image::compose::SceneOptions scene = {};
};

// The objects at random places of the background, a function of the stream alone. In a dataset of pictures
// that never existed:
//
//     std::vector<image::compose::Object> cutouts;
//     Tensor background;
//     data::FunctionDataset scenes(1000, [=](int64_t index) {
//       data::RandomStream random(7, 0, index);
//       const auto scene = data::strew(background, cutouts, random, {.degrees = 30});
//       return Tensors{scene.picture, scene.boxes, scene.labels};
//     });
//
image::compose::Scene strew(const Tensor& background, const std::vector<image::compose::Object>& objects,
                            RandomStream& random, const StrewOptions& options = {});

}  // namespace kiln::data
