#pragma once

#include <vector>

#include <kiln/image/interpolation.h>
#include <kiln/tensor/tensor.h>

// Objects placed on a background, with what is known of them.

namespace kiln::image::compose {

// Something cut out: a picture with its shape.
struct Object {
  Tensor
      picture;  // uint8 [C+1,H,W], whose last channel is alpha, or [C,H,W] with a mask; C as the background
  Tensor mask = {};  // uint8 [H,W], 255 where the object is
  int64_t label = 0;
};

// Where an object goes: scaled and turned about its middle, which comes to (x, y).
struct Placement {
  double x = 0, y = 0;    // pixels of the background
  double scale = 1;       // > 0
  double degrees = 0;     // counter-clockwise
  bool mirrored = false;  // left and right first
};

struct SceneOptions {
  Interpolation interpolation = Interpolation::bilinear;
  // An object of which a smaller share is seen in the end is left out: it is hidden by others that were
  // placed later, or lies outside. Of objects that stay, masks and boxes are of what is seen.
  double min_visible = 0.2;
  int64_t min_pixels = 1;  // that must be seen
};

struct Scene {
  Tensor picture;                // uint8 [C,H,W]
  Tensor boxes;                  // float32 [n,4]: left, top, right, bottom around the pixels that are seen
  Tensor masks;                  // uint8 [n,H,W]: 1 where the object is seen
  Tensor labels;                 // int64 [n]
  Tensor instances;              // int64 [H,W]: 0 for background, 1 + the object's row above
  std::vector<double> visible;   // share of each that is seen
  std::vector<int64_t> objects;  // which of those given each is
};

// The objects on the background, one after the other. A pixel belongs to the last object that covers it by
// half or more. An object that is left out is not drawn either, so that no unlabelled part of it shows.
// Throws when objects and placements differ in number, and for pictures that do not fit the background.
Scene scene(const Tensor& background, const std::vector<Object>& objects,
            const std::vector<Placement>& placements, const SceneOptions& options = {});

}  // namespace kiln::image::compose
