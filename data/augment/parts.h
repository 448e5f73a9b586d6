#pragma once

#include <kiln/data/transforms.h>
#include <kiln/image/move/movement.h>

namespace kiln::data {

// What the tensors of a sample are, by their places in it, so that they move together.
struct Parts {
  int64_t image = 0;                // [C,H,W]
  std::vector<int64_t> masks = {};  // [H,W] or [n,H,W] of any type; moved by nearest pixels
  int64_t boxes = -1;               // [n,4]: left, top, right, bottom in pixels, float32 or float64; -1: none
  std::vector<int64_t> rows = {};   // tensors with a row for each box, such as labels [n]: they go with it
  float mask_fill = 0;              // of masks, where there is no pixel; often the label that a loss ignores
  image::BoxOptions visible = {};   // which boxes stay
};

// Transforms of image, masks and boxes together: those that move pixels (flips, crops, RandomRotation, ...)
// move all parts, the others change the image alone; functions of a sample get all of it. Where boxes are
// dropped, so are their rows, also those of instance masks [n,H,W] where `rows` names them.
//
//     data::Together augment({.masks = {1}, .boxes = 2, .rows = {3}},
//                            {data::RandomHorizontalFlip(), data::RandomResizedCrop(224), data::ToFloat()});
//
class Together : public SampleTransform {
 public:
  Together(Parts parts, std::vector<AnyTransform> steps);
  void apply_to(Sample& sample, RandomStream& random) const override;

 private:
  Parts parts_;
  Compose steps_;
};

// Moves all parts of the sample. Throws when a part is missing or of another size than the image.
void move_parts(Sample& sample, const Parts& parts, const image::Movement& movement);

}  // namespace kiln::data
