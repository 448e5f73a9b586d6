#pragma once

#include <array>

#include <kiln/image/interpolation.h>

namespace kiln::image {

// How a network wants its pictures: resized until the shorter side has `resize` pixels, cut out of the
// middle, crop x crop pixels, as floats 0 .. 1 with (x - mean[c]) / std[c] (torchvision's ImageClassification
// preset). For 1 channel the picture is made grey before that, as Pillow does, and the first mean and std
// count.
struct Preset {
  int64_t resize = 256;
  int64_t crop = 224;
  Interpolation interpolation = Interpolation::bilinear;
  std::array<float, 3> mean = {0.485f, 0.456f, 0.406f};
  std::array<float, 3> std = {0.229f, 0.224f, 0.225f};
  int64_t channels = 3;  // 3: red, green, blue; 1: grey

  bool operator==(const Preset&) const = default;
};

}  // namespace kiln::image
