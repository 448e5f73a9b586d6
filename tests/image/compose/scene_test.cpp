#include <cmath>
#include <limits>

#include <kiln/data/augment/scene.h>
#include <kiln/image/compose/scene.h>
#include <kiln/kiln.h>

#include "image/pictures.h"
#include "support/files.h"

using namespace kiln;
using namespace kiln::test;
using image::compose::Object;
using image::compose::Scene;

namespace {

// A square of one colour, opaque.
Object square(int64_t side, int value, int64_t label) {
  return {full({3, side, side}, value).to(DType::uint8), full({side, side}, 255).to(DType::uint8), label};
}

const Tensor kGround = zeros({3, 20, 30}).to(DType::uint8);

}  // namespace

TEST_CASE("a scene: pictures, boxes, masks and labels of what is seen") {
  const Scene s = image::compose::scene(kGround, {square(6, 100, 7), square(4, 200, 9)},
                                        {{.x = 10, .y = 8}, {.x = 14, .y = 8}});
  // The first covers columns 7 .. 12, the second 12 .. 15, on top.
  CHECK(s.labels.to_vector<int64_t>() == std::vector<int64_t>{7, 9});
  CHECK(s.objects == std::vector<int64_t>{0, 1});
  CHECK(s.boxes.to_vector<float>() == std::vector<float>{7, 5, 13, 11, 12, 6, 16, 10});
  CHECK(s.visible[0] == doctest::Approx(32.0 / 36));
  CHECK(s.visible[1] == 1);
  CHECK(s.masks.sum(Dims{1, 2}).to_vector<int64_t>() == std::vector<int64_t>{32, 16});
  CHECK(same(s.picture[0].to(DType::int64),
             s.masks[0].to(DType::int64) * 100 + s.masks[1].to(DType::int64) * 200));
  CHECK(same(s.instances, s.masks[0].to(DType::int64) + s.masks[1].to(DType::int64) * 2));
}

TEST_CASE("what is hidden too far is neither drawn nor labelled") {
  const std::vector<Object> objects = {square(4, 50, 1), square(6, 100, 2), square(3, 150, 3),
                                       square(4, 200, 4)};
  const Scene s = image::compose::scene(
      kGround, objects, {{.x = 10, .y = 10}, {.x = 10, .y = 10}, {.x = -9, .y = 3}, {.x = 29, .y = 10}});
  CHECK(s.labels.to_vector<int64_t>() == std::vector<int64_t>{2, 4});
  CHECK(s.picture[0].to_vector<int64_t>()[0] == 0);
  CHECK(s.visible[1] == 0.75);  // three of its four columns are inside
  CHECK(s.boxes.to_vector<float>()[6] == 30);
  // A cover that goes itself hides nothing: the small one under the one that is half outside stays.
  const Scene uncovered =
      image::compose::scene(kGround, {square(2, 50, 1), square(8, 100, 2)},
                            {{.x = 1, .y = 10}, {.x = -1, .y = 10}}, {.min_visible = 0.6});
  CHECK(uncovered.labels.to_vector<int64_t>() == std::vector<int64_t>{1});
  const Scene none = image::compose::scene(kGround, {}, {});
  CHECK(none.boxes.shape() == Shape{0, 4});
  CHECK(none.masks.shape() == Shape{0, 20, 30});
  CHECK(same(none.picture, kGround));
}

TEST_CASE("objects are mirrored, scaled and turned about their middle") {
  Tensor picture = full({4, 4, 8}, 255).to(DType::uint8);
  picture[3].slice(1, 0, 4).fill_(0);  // the left half is not there
  const Tensor ground = zeros({3, 40, 40}).to(DType::uint8);
  const auto box = [&](const image::compose::Placement& p) {
    return image::compose::scene(ground, {{picture}}, {p}).boxes.to_vector<float>();
  };
  CHECK(box({.x = 20, .y = 20}) == std::vector<float>{20, 18, 24, 22});
  CHECK(box({.x = 20, .y = 20, .mirrored = true}) == std::vector<float>{16, 18, 20, 22});
  CHECK(box({.x = 20, .y = 20, .degrees = 90}) == std::vector<float>{18, 16, 22, 20});
  CHECK(box({.x = 20, .y = 20, .scale = 2, .degrees = 180}) == std::vector<float>{12, 16, 20, 24});
}

TEST_CASE("strewn objects: statistics, and a function of the stream") {
  const Tensor ground = noise({3, 60, 80});
  double x = 0, found = 0;
  for (int sample = 0; sample < 200; ++sample) {
    data::RandomStream random(1, 0, sample), again(1, 0, sample);
    const std::vector<Object> objects = {square(9, 10, 1), square(7, 200, 2)};
    const Scene s = data::strew(ground, objects, random, {.degrees = 45});
    const Scene t = data::strew(ground, objects, again, {.degrees = 45});
    CHECK(same(s.picture, t.picture));
    CHECK(same(s.boxes, t.boxes));
    found += double(s.labels.numel());
    for (int64_t row = 0; row < s.labels.numel(); ++row)
      x += (s.boxes[row][0].item<double>() + s.boxes[row][2].item<double>()) / 2;
  }
  CHECK(found > 320);
  CHECK(std::abs(x / found - 40) < 4);
}

TEST_CASE("scenes: errors") {
  const auto error = [](const Object& object, const image::compose::Placement& p) {
    return error_of([&] { image::compose::scene(kGround, {object}, {p}); });
  };
  CHECK(contains(error_of([] { image::compose::scene(kGround, {square(2, 1, 1)}, {}); }),
                 "1 objects and 0 placements"));
  CHECK(
      contains(error({noise({3, 4, 4})}, {}), "object 0 has 3 channels; on a background with 3 it needs 4"));
  CHECK(contains(error({noise({3, 4, 4}), noise({4, 5})}, {}),
                 "the mask of object 0 must be uint8 [4,4], got uint8 [4,5]"));
  CHECK(contains(error({noise({4, 0, 4})}, {}), "object 0 has no pixels"));
  CHECK(contains(error({}, {}), "an undefined tensor"));
  CHECK(contains(error(square(2, 1, 1), {.scale = 0}), "with scale 0"));
  CHECK(contains(error(square(2, 1, 1), {.scale = 1e9}), "object 0 would have"));
  CHECK(
      contains(error(square(2, 1, 1), {.x = std::numeric_limits<double>::quiet_NaN()}), "cannot go to nan"));
}
