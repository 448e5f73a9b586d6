#include <doctest/doctest.h>

#include <limits>

#include <kiln/autograd/ops.h>
#include <kiln/image/resize.h>

#include "image/made_files.h"
#include "support/files.h"

// That the bits are Pillow's is seen in tests/pillow; here is what must hold without it.

namespace kiln {
namespace {

using image::Interpolation;
using test::contains;
using test::error_of;

constexpr Interpolation kAll[] = {Interpolation::nearest, Interpolation::bilinear, Interpolation::bicubic,
                                  Interpolation::lanczos};

}  // namespace

TEST_CASE("resize: the bits of Pillow 9.4") {
  const Tensor row = tensor({10, 200, 30, 250, 90}).to(uint8).view({1, 1, 5});
  const auto resized = [&](int64_t width, Interpolation interpolation) {
    return image::resize(row, {1, width}, {.interpolation = interpolation}).to_vector<int>();
  };
  // Image.fromarray(numpy.array([[10, 200, 30, 250, 90]], "u1")).resize((w, 1), filter)
  CHECK(resized(3, Interpolation::nearest) == std::vector<int>{10, 30, 90});
  CHECK(resized(3, Interpolation::bilinear) == std::vector<int>{91, 117, 159});
  CHECK(resized(3, Interpolation::bicubic) == std::vector<int>{87, 125, 158});
  CHECK(resized(7, Interpolation::lanczos) == std::vector<int>{0, 135, 167, 30, 203, 203, 72});
}

TEST_CASE("resize: strides do not matter") {
  for (int64_t channels = 1; channels <= 4; ++channels)
    for (const Interpolation interpolation : kAll) {
      const Tensor base = test::some_picture(channels, 23, 31);
      const auto resized = [&](const Tensor& x) {
        return image::resize(x, {9, 40}, {.interpolation = interpolation});
      };
      const Tensor expected = resized(base.contiguous());
      const Tensor interleaved = base.permute({1, 2, 0}).contiguous().permute({2, 0, 1});
      CHECK(equal(resized(interleaved), expected));
      CHECK(equal(resized(base.transpose(1, 2).contiguous().transpose(1, 2)), expected));
      const Tensor part = base.slice(1, 1, 23, 2).slice(2, 3, 30, 3), copy = part.contiguous();
      CHECK(equal(resized(part), resized(copy)));
      CHECK(equal(image::resize(interleaved.slice(2, 4, 20), {5, 6}),
                  image::resize(base.slice(2, 4, 20).contiguous(), {5, 6})));
    }
  const Tensor one = test::some_picture(3, 1, 1);
  CHECK(equal(image::resize(one, {5, 4}, {.interpolation = Interpolation::lanczos}), one.expand({3, 5, 4})));
}

// One channel takes the plain loop, three that of pairs where the processor has it.
TEST_CASE("resize: a channel does not see the others") {
  for (const Interpolation interpolation : kAll)
    for (const int64_t width : {1, 2, 3, 5, 8, 13, 40, 200}) {
      const Tensor picture = test::some_picture(3, 17, 61);
      const auto resized = [&](const Tensor& x) {
        return image::resize(x, {29, width}, {.interpolation = interpolation});
      };
      const Tensor all = resized(picture);
      for (int64_t c = 0; c < 3; ++c)
        CHECK(equal(all.slice(0, c, c + 1), resized(picture.slice(0, c, c + 1))));
    }
}

TEST_CASE("resize: a box is a part; the same size is a copy") {
  const Tensor picture = test::some_picture(3, 20, 30);
  const Tensor cut = image::resize(picture, {8, 6}, {.box = image::Box{3, 5, 9, 13}});
  CHECK(equal(cut, picture.slice(1, 5, 13).slice(2, 3, 9)));
  const Tensor same = image::resize(picture, {20, 30});
  CHECK(equal(same, picture));
  CHECK(!same.shares_storage(picture));
  CHECK(equal(image::resize(picture, {10, 10},
                            {.interpolation = Interpolation::nearest, .box = image::Box{5, 0, 15, 20}}),
              image::resize(picture.slice(2, 5, 15), {10, 10}, {.interpolation = Interpolation::nearest})));
  for (const image::Box box : {image::Box{-1, 0, 5, 5}, image::Box{0, 0, 31, 5}, image::Box{4, 0, 4, 5},
                               image::Box{0, 0, std::numeric_limits<float>::quiet_NaN(), 5}})
    CHECK(contains(error_of([&] {
                     image::resize(picture, {4, 4}, {.box = box});
                   }),
                   "is not a part of the picture"));
}

TEST_CASE("resize: without antialias pixels between are skipped") {
  const Tensor row = tensor({0, 0, 255, 255, 0, 0, 0, 0}).to(uint8).view({1, 1, 8});
  CHECK(image::resize(row, {1, 2}, {.antialias = false}).to_vector<int>() == std::vector<int>{128, 0});
  CHECK(image::resize(row, {1, 2}).to_vector<int>() != std::vector<int>{128, 0});
}

TEST_CASE("resize: what is no picture, or no size") {
  const Tensor picture = test::some_picture(3, 4, 4);
  CHECK(contains(error_of([&] { image::resize(picture.to(float32), {2, 2}); }), "expected uint8"));
  CHECK(contains(error_of([&] { image::resize(picture, {0, 2}); }), "the size 0 x 2"));
  CHECK(contains(error_of([&] { image::resize(picture, {2, -1}); }), "the size 2 x -1"));
  CHECK(contains(error_of([&] { image::resize(test::some_picture(3, 0, 4), {2, 2}); }), "no pixels"));
  CHECK(contains(error_of([&] { image::resize({}, {2, 2}); }), "undefined"));
  CHECK(contains(error_of([&] { image::resize_shorter(picture, 0); }), "not positive"));
  CHECK(contains(error_of([&] { image::resize_shorter(picture, 8, {}, 8); }), "max_size 8 must be larger"));
  CHECK(contains(error_of([&] { image::center_crop(picture, {0, 1}); }), "0 x 1"));
  CHECK(contains(error_of([&] { image::five_crop(picture, {5, 1}); }), "smaller than the crop"));
}

TEST_CASE("resize_shorter: torchvision's arithmetic") {
  const auto size = [](int64_t height, int64_t width, int64_t shorter, int64_t most = 0) {
    return image::shorter_size({height, width}, shorter, most);
  };
  CHECK(size(427, 640, 256) == image::Size{256, 383});
  CHECK(size(640, 427, 256) == image::Size{383, 256});
  CHECK(size(300, 300, 256) == image::Size{256, 256});
  CHECK(size(100, 1000, 50, 200) == image::Size{20, 200});
  const Tensor picture = test::some_picture(3, 8, 12);
  CHECK(image::resize_shorter(picture, 8).is_same(picture));
  CHECK(image::resize_shorter(picture, 4).shape() == Shape({3, 4, 6}));
}

TEST_CASE("crops: views of the middle and the corners") {
  const Tensor picture = test::some_picture(3, 9, 12);
  const Tensor middle = image::center_crop(picture, {4, 5});
  CHECK(middle.shares_storage(picture));
  CHECK(equal(middle, picture.slice(1, 2, 6).slice(2, 4, 9)));  // 2.5 and 3.5 to the even side
  const Tensor larger = image::center_crop(picture, {12, 4});
  CHECK(equal(larger.slice(1, 1, 10), picture.slice(2, 4, 8)));
  CHECK(larger.slice(1, 0, 1).to(int64).sum().item<int64_t>() == 0);
  CHECK(larger.slice(1, 10, 12).to(int64).sum().item<int64_t>() == 0);
  const auto five = image::five_crop(picture, {4, 5});
  CHECK(equal(five[1], picture.slice(1, 0, 4).slice(2, 7, 12)));
  CHECK(equal(five[2], picture.slice(1, 5, 9).slice(2, 0, 5)));
  CHECK(equal(five[4], middle));
}

}  // namespace kiln
