#pragma once

// Internal: copies of images, the arithmetic that transforms and the fused batch path share.

#include <kiln/data/random_stream.h>
#include <kiln/image/elements.h>
#include <kiln/tensor/tensor.h>

namespace kiln::data {

using image::contiguous_copy;
using image::copy_elements;

// Row i of the result is row start + step * i of the source, or fill where the source has none.
struct AxisMap {
  int64_t size = 0;
  int64_t start = 0;
  int64_t step = 1;

  // The part of the result, [begin, end), whose sources lie in 0 .. source_size - 1.
  struct Range {
    int64_t begin, end;
  };
  Range inside(int64_t source_size) const;
};

struct Geometry {
  AxisMap y, x;
};

// A step that moves pixels. Draws its random numbers even where it turns out to do nothing, so that later
// steps see the same ones.
struct GeometryStep {
  enum class Kind { crop, flip } kind;
  int64_t height = 0, width = 0, padding = 0;  // of a crop
  float probability = 0;                       // of a flip

  // Throws when the crop is larger than the padded image.
  void apply(Geometry& geometry, RandomStream& random) const;
};

// The image [C,H,W] of any type seen through the geometry; `fill` outside it.
Tensor move_pixels(const Tensor& image, const Geometry& geometry, float fill = 0);

// A step on values: x / 255, or (x - mean[c]) / std[c].
struct ValueStep {
  enum class Kind { to_float, normalize } kind;
  std::vector<float> mean, std;  // one value, or one a channel

  float apply(float x, int64_t channel) const;
};

// A sequence of transforms in the form that the fused path runs: bytes to floats.
struct ImagePlan {
  std::vector<GeometryStep> geometry;
  std::vector<ValueStep> values;
  size_t values_before_crop = 0;
  bool has_crop = false;
};

// Transforms one image of bytes [C,H,W] (row-major) to floats at `out` with strides c, y, x, all in one pass.
// The same bits as step by step: each channel's values come from a table of 256 made by the steps themselves.
class FusedTransform {
 public:
  FusedTransform() = default;
  // Throws when mean and std do not fit the channels.
  FusedTransform(ImagePlan plan, const Shape& image);

  // [C,h,w] of the result.
  const Shape& shape() const { return shape_; }
  void apply(const uint8_t* image, RandomStream& random, float* out, const Strides& out_strides) const;

 private:
  ImagePlan plan_;
  Shape image_, shape_;
  std::vector<float> tables_, fill_;
};

}  // namespace kiln::data
