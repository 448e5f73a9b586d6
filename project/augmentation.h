#pragma once

#include <string>

#include <kiln/data/transforms.h>
#include <kiln/image/preset.h>

namespace kiln::project {

// What makes a training sample of a picture: the steps that `words` name, separated by commas, in the order
// of this list, then the preset's size and numbers.
//   crop     a window of 0.35 to 1 of the area, resized (without it: resized and cut out of the middle)
//   flip     mirrored in half of the cases; vflip: top and bottom
//   quarter  turned by 0, 90, 180 or 270 degrees: for pictures without an up
//   rotate   turned by -15 to 15 degrees
//   jitter   brightness, contrast and saturation by up to 0.3, hue by up to 0.05
//   trivial  TrivialAugmentWide; rand: RandAugment
//   blur, grey  now and then
//   erase    RandomErasing, in a quarter of the cases
// "none", or nothing: what a picture gets at evaluation. Throws for another word, with the one that was
// meant.
data::Compose augmentation(const std::string& words, const image::Preset& preset);

}  // namespace kiln::project
