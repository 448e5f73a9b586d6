#pragma once

#include <array>

#include <kiln/tensor/base/pair.h>

namespace kiln::image {

struct Point {
  double x, y;
};

// Where the points of a picture go: (x, y, 1) times a 3x3 matrix in row-major order, divided by its third
// component. Points are in pixels: x to the right, y down, (0, 0) is the outer corner of the first pixel and
// (0.5, 0.5) its middle.
struct Projection {
  std::array<double, 9> m = {1, 0, 0, 0, 1, 0, 0, 0, 1};

  Point operator()(Point p) const;
  // First `first`, then this.
  Projection operator*(const Projection& first) const;
  // Throws when the matrix has none.
  Projection inverse() const;

  static Projection moved(double x, double y);
  static Projection scaled(double x, double y);
  bool operator==(const Projection&) const = default;
};

// A rotation, scaling and shearing about a centre, then a translation, in torchvision's order and signs.
struct AffineParameters {
  double angle = 0;                      // degrees, clockwise
  std::array<double, 2> translate = {};  // right, down, in pixels
  double scale = 1;                      // > 0
  std::array<double, 2> shear = {};      // degrees, along x and along y
};
// From the pixels of the result to those of the picture, as Pillow wants it. Throws for a scale that is not
// positive and for numbers that are not finite.
Projection inverse_affine(const AffineParameters& parameters, Point center);

// Whether four corners, in order, turn the same way at each.
bool is_convex(const std::array<Point, 4>& corners);

// The projection that takes four points to four others, in order. Throws when three of them are in a line.
Projection perspective_of(const std::array<Point, 4>& from, const std::array<Point, 4>& to);

}  // namespace kiln::image
