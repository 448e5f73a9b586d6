#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <kiln/data/augment/move.h>
#include <kiln/image/move/flip.h>
#include <kiln/image/move/movement.h>
#include <kiln/kiln.h>

#include "image/pictures.h"
#include "support/files.h"

using namespace kiln;
using namespace kiln::test;
using data::RandomStream;

namespace {

// How often of `draws` samples `counted` is true of what the transform gives.
template <class F>
int count(const data::Transform& transform, const Tensor& image, int draws, F&& counted) {
  int found = 0;
  for (int sample = 0; sample < draws; ++sample) {
    RandomStream random(3, 1, sample);
    found += counted(transform.apply(image, random));
  }
  return found;
}

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("random flips and quarter turns are as frequent as they say") {
  const Tensor x = noise({3, 3, 3});
  CHECK(std::abs(count(data::RandomVerticalFlip(), x, 1000,
                       [&](const Tensor& y) { return same(y, image::vflip(x)); }) -
                 500) < 80);
  CHECK(count(data::RandomVerticalFlip(0), x, 100, [&](const Tensor& y) { return same(y, x); }) == 100);
  CHECK(count(data::RandomVerticalFlip(1), x, 100, [&](const Tensor& y) { return same(y, x); }) == 0);
  for (int turns = 0; turns < 4; ++turns)
    CHECK(std::abs(count(data::RandomQuarterTurn(), x, 1000,
                         [&](const Tensor& y) { return same(y, image::rot90(x, turns)); }) -
                   250) < 70);
}

TEST_CASE("random resized crop: size, area, ratio and place follow torchvision's rule") {
  const data::RandomResizedCrop crop({8, 6});
  const Pair size(60, 90);
  double area = 0, ratio = 0, center = 0;
  const int draws = 4000;
  for (int sample = 0; sample < draws; ++sample) {
    RandomStream random(1, 2, sample);
    const image::Projection back = crop.movement(size, random).forward.inverse();
    const image::Point a = back({0, 0}), b = back({6, 8});
    const double w = b.x - a.x, h = b.y - a.y;
    CHECK(a.x >= -1e-9);
    CHECK(b.x <= 90 + 1e-9);
    CHECK(b.y <= 60 + 1e-9);
    CHECK(w * h < 5400 * 1.05);
    CHECK(w * h > 5400 * 0.07);
    area += w * h / 5400 / draws;
    ratio += std::log(w / h) / draws;
    center += (a.x + b.x) / 2 / 90 / draws;
  }
  // torchvision's means of 20,000 draws for this size; large windows fit less often than small ones.
  CHECK(std::abs(area - 0.395) < 0.015);
  CHECK(std::abs(ratio - 0.031) < 0.015);
  CHECK(std::abs(center - 0.502) < 0.01);
  RandomStream random(0, 0, 0);
  CHECK(crop.apply(noise({3, 60, 90}), random).shape() == Shape{3, 8, 6});
  CHECK(crop.apply(noise({1, 1, 1}), random).shape() == Shape{1, 8, 6});
  // No window of that ratio fits: the middle one that comes nearest.
  const data::RandomResizedCrop wide(4, {.scale = {1, 1}, .ratio = {2, 2}});
  const image::Point a = wide.movement({10, 10}, random).forward.inverse()({0, 0});
  CHECK(a.x == doctest::Approx(0));
  CHECK(a.y == doctest::Approx(2));
}

TEST_CASE("rotations, affine maps and perspectives stay within what they are given") {
  const Pair size(20, 30);
  double sum = 0, least = 90, most = -90;
  for (int sample = 0; sample < 2000; ++sample) {
    RandomStream random(5, 0, sample);
    const auto& m = data::RandomRotation(15).movement(size, random).forward.m;
    const double degrees = std::atan2(m[1], m[0]) * 180 / 3.14159265358979;
    sum += degrees / 2000;
    least = std::min(least, degrees);
    most = std::max(most, degrees);
    RandomStream again(5, 0, sample);
    const data::RandomAffine affine(0, {.translate = {0.1, 0.2}, .scale = {0.5, 2}});
    const image::Movement moved = affine.movement(size, again);
    const image::Point middle = moved.forward({15, 10});
    CHECK(std::abs(middle.x - 15) < 3 + 1e-9);
    CHECK(std::abs(middle.y - 10) < 4 + 1e-9);
    CHECK(std::abs(middle.x - std::nearbyint(middle.x)) < 1e-6);
    CHECK(moved.forward.m[0] > 0.5 - 1e-9);
    CHECK(moved.forward.m[0] < 2 + 1e-9);
    const image::Point corner =
        data::RandomPerspective({.probability = 1}).movement(size, again).forward({0, 0});
    CHECK(corner.x >= -1e-6);
    CHECK(corner.x < 7.5 + 1e-6);
  }
  CHECK(std::abs(sum) < 0.8);
  CHECK(least > -15);
  CHECK(least < -14.8);
  CHECK(most < 15);
  CHECK(most > 14.8);
  RandomStream random(0, 0, 0);
  for (const Shape& shape : {Shape{3, 1, 1}, Shape{3, 1, 9}, Shape{1, 2, 2}})
    CHECK(data::RandomPerspective({.distortion_scale = 1, .probability = 1})
              .apply(noise(shape), random)
              .shape() == shape);
}

TEST_CASE("Resize, CenterCrop and Pad") {
  RandomStream random(0, 0, 0);
  const Tensor x = noise({3, 20, 30});
  CHECK(data::Resize(10).apply(x, random).shape() == Shape{3, 10, 15});
  CHECK(data::Resize(10, {.max_size = 12}).apply(x, random).shape() == Shape{3, 8, 12});
  CHECK(data::Resize(7, 9).apply(x, random).shape() == Shape{3, 7, 9});
  CHECK(data::Resize(20).apply(x, random).is_same(x));
  CHECK(data::CenterCrop(11).apply(x, random).shape() == Shape{3, 11, 11});
  CHECK(data::CenterCrop({40, 11}).apply(x, random).shape() == Shape{3, 40, 11});
  CHECK(data::Pad({1, 2, 3, 4}).apply(x, random).shape() == Shape{3, 26, 34});
}

TEST_CASE("moving transforms: errors") {
  RandomStream random(0, 0, 0);
  CHECK(contains(error_of([] { data::RandomVerticalFlip{1.5}; }), "probability 1.5 is not in 0 .. 1"));
  CHECK(contains(error_of([] { data::RandomRotation{kNaN}; }), "RandomRotation: degrees from"));
  CHECK(contains(error_of([] { data::RandomRotation({3, 2}); }), "must be in order"));
  CHECK(contains(error_of([] {
                   data::RandomAffine(3, {.translate = {2, 0}});
                 }),
                 "translate 2 is not in 0 .. 1"));
  CHECK(contains(error_of([] { data::RandomAffine(3, {.scale = {0, 1}}); }), "scale from 0 to 1"));
  CHECK(contains(error_of([] { data::RandomPerspective({.distortion_scale = 2}); }), "distortion_scale 2"));
  CHECK(contains(error_of([] { data::RandomResizedCrop{0}; }), "a size of 0x0 pixels"));
  CHECK(contains(error_of([] { data::RandomResizedCrop(3, {.scale = {0.1, 2}}); }), "scale from 0.1 to 2"));
  CHECK(contains(error_of([] { data::Resize{-1}; }), "is not possible"));
  CHECK(contains(error_of([] { data::Resize(8, {.max_size = 8}); }), "max_size 8 must be larger"));
  CHECK(contains(error_of([&] {
                   data::RandomResizedCrop(4).apply(noise({3, 0, 4}), random);
                 }),
                 "has no pixels"));
  CHECK(contains(error_of([&] { data::RandomVerticalFlip().apply({}, random); }), "an undefined tensor"));
  CHECK(contains(error_of([&] {
                   data::Resize(4).apply(zeros({3, 8, 8}), random);
                 }),
                 "resize before ToFloat()"));
}
