#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numbers>

#include <kiln/image/elements.h>
#include <kiln/image/move/flip.h>
#include <kiln/image/move/warp.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

// To 15 decimals, correctly, as Python's round(): so that a quarter turn's cosine is 0.
double round_15(double value) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%.15f", value);
  return std::strtod(text.data(), nullptr);
}

double positive_degrees(double degrees) {
  if (!std::isfinite(degrees)) fail("rotate: the angle {} is not a finite number", degrees);
  const double rest = std::fmod(degrees, 360.0);
  return rest < 0 ? rest + 360.0 : rest;
}

// The point's image plus the matrix's own translation, in the order of Pillow's sums.
Point transform(const Projection& p, double x, double y) {
  return {p.m[0] * x + p.m[1] * y + p.m[2], p.m[3] * x + p.m[4] * y + p.m[5]};
}

void set_translation(Projection& p, Point to) {
  p.m[2] = to.x;
  p.m[5] = to.y;
}

}  // namespace

Turn turn_of(Pair picture, double degrees, bool expand, std::optional<Point> center) {
  const double w = double(picture.w), h = double(picture.h);
  const Point about = center.value_or(Point{w / 2, h / 2});
  if (!std::isfinite(about.x) || !std::isfinite(about.y))
    fail("rotate: the centre {}, {} is not finite", about.x, about.y);
  const double angle = -(positive_degrees(degrees) * (std::numbers::pi / 180.0));
  const double cosine = round_15(std::cos(angle)), sine = round_15(std::sin(angle));
  Turn turn{{{cosine, sine, 0, round_15(-std::sin(angle)), cosine, 0, 0, 0, 1}}, picture};
  const Point moved = transform(turn.back, -about.x, -about.y);
  set_translation(turn.back, {moved.x + about.x, moved.y + about.y});
  if (!expand) return turn;
  std::array<double, 4> xs, ys;
  const std::array<Point, 4> corners = {Point{0, 0}, {w, 0}, {w, h}, {0, h}};
  for (size_t i = 0; i < 4; ++i) {
    const Point corner = transform(turn.back, corners[i].x, corners[i].y);
    xs[i] = corner.x;
    ys[i] = corner.y;
  }
  const auto extent = [](const std::array<double, 4>& values) {
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    return int64_t(std::ceil(*most)) - int64_t(std::floor(*least));
  };
  turn.size = {extent(ys), extent(xs)};
  set_translation(turn.back, transform(turn.back, -double(turn.size.w - picture.w) / 2.0,
                                       -double(turn.size.h - picture.h) / 2.0));
  return turn;
}

Tensor rotate(const Tensor& picture, double degrees, const RotateOptions& options) {
  check_planes("rotate", picture);
  const Pair size = size_of_picture(picture);
  const double angle = positive_degrees(degrees);
  const bool exact =
      angle == 0 || angle == 180 || ((angle == 90 || angle == 270) && (options.expand || size.h == size.w));
  if (exact && !options.center) return rot90(picture, int64_t(angle) / 90);
  const Turn turn = turn_of(size, degrees, options.expand, options.center);
  return warp(picture, turn.back, turn.size, {options.interpolation, options.fill});
}

}  // namespace kiln::image
