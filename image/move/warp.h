#pragma once

#include <optional>
#include <vector>

#include <kiln/image/interpolation.h>
#include <kiln/image/move/projection.h>
#include <kiln/tensor/tensor.h>

// Pictures turned and bent as Pillow does it, with its bits for uint8 (RGB, grey, and RGBA or LA, whose
// colours are weighed with their alpha): [C,H,W] on the CPU, any strides; nearest takes any type, bilinear
// and bicubic uint8 and float32; lanczos only resizes. A pixel of the result is sampled where its middle
// comes from, or `fill` when that lies outside the picture. Results are contiguous.

namespace kiln::image {

struct WarpOptions {
  Interpolation interpolation = Interpolation::nearest;
  std::vector<float> fill = {0};  // one value, or one a channel
};

// `back` takes points of the result, of `size` pixels, to points of the picture.
Tensor warp(const Tensor& picture, const Projection& back, Pair size, const WarpOptions& options = {});

struct RotateOptions {
  Interpolation interpolation = Interpolation::nearest;
  bool expand = false;               // the result is as large as the whole turned picture needs
  std::optional<Point> center = {};  // by default the middle of the picture
  std::vector<float> fill = {0};
};

// Degrees counter-clockwise. Multiples of 90 move pixels exactly where the shape allows it.
Tensor rotate(const Tensor& picture, double degrees, const RotateOptions& options = {});

struct AffineOptions {
  Interpolation interpolation = Interpolation::nearest;
  std::vector<float> fill = {0};
  std::optional<Point> center = {};  // by default the middle of the picture
};

// The size stays.
Tensor affine(const Tensor& picture, const AffineParameters& parameters, const AffineOptions& options = {});

// Takes the points `start` of the picture to the points `end`; the size stays. torchvision solves for the
// projection in float32, this in float64: where a pixel's place differs in the last digits it may come out
// different by one.
Tensor perspective(const Tensor& picture, const std::array<Point, 4>& start, const std::array<Point, 4>& end,
                   const WarpOptions& options = {.interpolation = Interpolation::bilinear});

// What rotate() does: the points of the result to those of the picture, and its size.
struct Turn {
  Projection back;
  Pair size;
};
Turn turn_of(Pair picture, double degrees, bool expand, std::optional<Point> center);

}  // namespace kiln::image
