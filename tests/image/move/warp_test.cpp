#include <algorithm>
#include <cmath>
#include <limits>

#include <kiln/image/move/flip.h>
#include <kiln/image/move/warp.h>
#include <kiln/kiln.h>

#include "image/pictures.h"
#include "support/files.h"

// Values beside Pillow's are in tests/oracle/pictures.py.

using namespace kiln;
using namespace kiln::test;
using image::Interpolation;
using image::Point;
using image::Projection;

namespace {

void check_near(Point a, Point b) {
  CHECK(std::abs(a.x - b.x) < 1e-9);
  CHECK(std::abs(a.y - b.y) < 1e-9);
}

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("projections chain and have inverses") {
  const Projection turn =
      image::inverse_affine({.angle = 20, .translate = {3, -2}, .scale = 1.5, .shear = {5, 7}}, {4, 2});
  const Projection bent =
      image::perspective_of({Point{0, 0}, {9, 0}, {9, 9}, {0, 9}}, {Point{1, 1}, {8, 0}, {9, 9}, {0, 8}});
  check_near(bent({9, 0}), {8, 0});
  check_near(bent({0, 9}), {0, 8});
  const Point p = {1.25, 7.5};
  check_near((turn * bent)(p), turn(bent(p)));
  check_near(turn.inverse()(turn(p)), p);
  check_near(bent.inverse()(bent(p)), p);
  check_near(Projection::moved(1, 2)(p), {2.25, 9.5});
  check_near(Projection::scaled(2, 4)(p), {2.5, 30});
}

TEST_CASE("warps with every interpolation, type and stride") {
  const Tensor x = noise({3, 9, 8});
  for (const Interpolation how : {Interpolation::nearest, Interpolation::bilinear, Interpolation::bicubic}) {
    CHECK(same(image::warp(x, {}, {9, 8}, {how}), x));  // middles fall on middles
    CHECK(same(image::rotate(interleaved(x), 31, {how}), image::rotate(x, 31, {how})));
    CHECK(image::rotate(noise({3, 0, 4}), 31, {how}).shape() == Shape{3, 0, 4});
    CHECK(image::rotate(noise({0, 3, 4}), 31, {how}).shape() == Shape{0, 3, 4});
    const Tensor f = x.to(DType::float32);
    const std::vector<float> bytes = image::rotate(x, 12, {how}).to_vector<float>();
    const std::vector<float> floats = image::rotate(f, 12, {how}).to_vector<float>();
    for (size_t i = 0; i < bytes.size(); ++i)
      CHECK(bytes[i] == std::floor(std::clamp(floats[i], 0.f, 255.f)));
  }
  for (const DType dtype : {DType::bool8, DType::int64, DType::float64})
    CHECK(same(image::rotate(x.to(dtype), 12), image::rotate(x, 12).to(dtype)));
  CHECK(same(image::rotate(x, 90, {.expand = true}), image::rot90(x)));
  CHECK(same(image::rotate(x, -450, {.expand = true}), image::rot90(x, -1)));
  CHECK(image::rotate(x, 45, {.expand = true}).shape() == Shape{3, 13, 14});
}

TEST_CASE("what lies outside is the fill") {
  const Tensor x = noise({3, 4, 5});
  const Tensor y = image::affine(x, {.translate = {100, 0}}, {.fill = {1, 2, 3}});
  for (int64_t c = 0; c < 3; ++c) CHECK(y[c].to_vector<int64_t>() == std::vector<int64_t>(20, c + 1));
  // Places that are not numbers are outside too.
  const Projection nowhere{{kNaN, 0, 0, 0, 1, 0, 0, 0, 1}}, horizon{{0, 0, 0, 0, 0, 0, 0, 0, 0}};
  for (const Interpolation how : {Interpolation::nearest, Interpolation::bilinear, Interpolation::bicubic}) {
    CHECK(same(image::warp(x, nowhere, {4, 5}, {how, {7}}), full({3, 4, 5}, 7).to(DType::uint8)));
    CHECK(same(image::warp(x, horizon, {4, 5}, {how, {7}}), full({3, 4, 5}, 7).to(DType::uint8)));
  }
  const Projection far{{1e300, 0, 1e300, 0, 1e300, -1e300, 0, 0, 1}};
  CHECK(same(image::warp(x, far, {4, 5}), full({3, 4, 5}, 0).to(DType::uint8)));
}

TEST_CASE("warps: errors") {
  const Tensor x = noise({3, 4, 5});
  CHECK(contains(error_of([&] { image::rotate(x, 3, {Interpolation::lanczos}); }), "lanczos only resizes"));
  CHECK(contains(error_of([&] { image::rotate(x.to(DType::int64), 3, {Interpolation::bilinear}); }),
                 "needs a uint8 or float32 picture, got int64"));
  CHECK(contains(error_of([&] { image::rotate(x, kNaN); }), "the angle nan is not a finite number"));
  CHECK(contains(error_of([&] { image::rotate(x, 3, {.center = Point{kNaN, 0}}); }), "is not finite"));
  CHECK(contains(error_of([&] { image::affine(x, {.scale = 0}); }), "scale must be positive, got 0"));
  CHECK(contains(error_of([&] { image::affine(x, {.shear = {kNaN, 0}}); }), "nan is not a finite number"));
  CHECK(contains(error_of([&] { image::warp(x, {}, {-1, 2}); }), "a picture of -1x2 pixels is not possible"));
  CHECK(contains(error_of([&] { image::warp(x, {}, {INT64_MAX, INT64_MAX}); }), "is not possible"));
  CHECK(contains(
      error_of([&] {
        image::perspective(x, {Point{0, 0}, {1, 1}, {2, 2}, {0, 5}}, {Point{0, 0}, {4, 0}, {4, 4}, {0, 4}});
      }),
      "three in a line"));
  CHECK(contains(error_of([&] { Projection::scaled(0, 1).inverse(); }), "no inverse"));
}
