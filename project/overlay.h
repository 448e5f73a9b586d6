#pragma once

#include <kiln/image/preset.h>
#include <kiln/tensor/tensor.h>

namespace kiln::project {

// A prepared picture, float32 [C,H,W] of a preset's C channels, as one to look at, uint8 [3,H,W]: what the
// network was shown.
Tensor shown(const Tensor& prepared, const image::Preset& preset);

// A map [h,w] of 0 .. 1 over a picture uint8 [3,H,W]: from blue (cold) to red, the hotter the less of the
// picture shows through.
Tensor overlay(const Tensor& picture, const Tensor& map);

}  // namespace kiln::project
