#include <limits>

#include <kiln/image/move/crop.h>
#include <kiln/image/move/flip.h>
#include <kiln/image/move/pad.h>
#include <kiln/kiln.h>

#include "image/pictures.h"
#include "support/files.h"

using namespace kiln;
using namespace kiln::test;
using image::PadMode;

namespace {

const DType kTypes[] = {DType::uint8,   DType::bool8,   DType::int64,
                        DType::float16, DType::float32, DType::float64};

}  // namespace

TEST_CASE("flips and quarter turns are PyTorch's, for every type and stride") {
  for (const DType dtype : kTypes)
    for (const Tensor& x : {noise({3, 4, 5}), noise({1, 1, 7}), noise({2, 6, 8}).slice(1, 1, 6, 2),
                            noise({0, 2, 3}), noise({3, 0, 5}), interleaved(noise({3, 5, 4}))}) {
      const Tensor picture = x.to(dtype);
      CHECK(same(image::hflip(picture), picture.flip({2})));
      CHECK(same(image::vflip(picture), picture.flip({1})));
      CHECK(same(image::rot90(picture), picture.transpose(1, 2).flip({1})));
      CHECK(same(image::rot90(picture, 2), picture.flip({1, 2})));
      CHECK(same(image::rot90(picture, -1), picture.transpose(1, 2).flip({2})));
      CHECK(same(image::rot90(picture, 4000), picture));
      CHECK(image::rot90(picture, INT64_MIN).shape() == picture.shape());
    }
}

TEST_CASE("crop takes a window, zeros beyond the edge") {
  const Tensor x = interleaved(noise({3, 6, 7}));
  CHECK(same(image::crop(x, {1, 2, 3, 4}), x.slice(1, 1, 4).slice(2, 2, 6)));
  const Tensor y = image::crop(x, {-2, 5, 4, 4});
  CHECK(y.shape() == Shape{3, 4, 4});
  CHECK(same(y.slice(1, 2).slice(2, 0, 2), x.slice(1, 0, 2).slice(2, 5)));
  CHECK(y.slice(1, 0, 2).to_vector<int64_t>() == std::vector<int64_t>(24, 0));
  CHECK(y.slice(2, 2).to_vector<int64_t>() == std::vector<int64_t>(24, 0));
  CHECK(image::crop(x, {0, 0, 0, 3}).shape() == Shape{3, 0, 3});
  CHECK(image::center_window({10, 11}, {4, 4}) == image::Window{3, 4, 4, 4});  // 3.5 is rounded to 4
  CHECK(image::center_window({3, 9}, {6, 4}) == image::Window{-1, 2, 6, 4});   // 2.5 to 2
}

TEST_CASE("pad continues the picture by constants, edges and mirrors, however wide") {
  const Tensor x = tensor({1, 2, 3}).to(DType::uint8).reshape({1, 1, 3});
  const auto row = [&](PadMode mode) {
    return image::pad(x, {4, 0, 4, 0}, {mode, {9}}).to_vector<int64_t>();
  };
  CHECK(row(PadMode::constant) == std::vector<int64_t>{9, 9, 9, 9, 1, 2, 3, 9, 9, 9, 9});
  CHECK(row(PadMode::edge) == std::vector<int64_t>{1, 1, 1, 1, 1, 2, 3, 3, 3, 3, 3});
  CHECK(row(PadMode::reflect) == std::vector<int64_t>{1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3});
  CHECK(row(PadMode::symmetric) == std::vector<int64_t>{3, 3, 2, 1, 1, 2, 3, 3, 2, 1, 1});
  CHECK(image::pad(x, {-1, 1, 0, 0}, {.fill = {5}}).to_vector<int64_t>() == std::vector<int64_t>{5, 5, 2, 3});
  CHECK(image::pad(x.to(DType::float32), 1, {.fill = {-0.5f}}).to_vector<float>()[0] == -0.5f);
}

TEST_CASE("moving pictures: errors") {
  const Tensor x = noise({3, 4, 5});
  CHECK(contains(error_of([] { image::hflip({}); }),
                 "hflip: needs a picture [channels,height,width] on the CPU, got "
                 "an undefined tensor"));
  CHECK(contains(error_of([&] { image::vflip(x[0]); }), "got [4,5]"));
  CHECK(contains(error_of([&] { image::rot90(x.unsqueeze(0)); }), "got [1,3,4,5]"));
  CHECK(contains(error_of([&] { image::crop(x, {0, 0, -1, 2}); }), "crop: a window of -1x2 pixels"));
  CHECK(contains(error_of([&] { image::crop(x, {INT64_MIN, 0, 1, 2}); }), "is not possible"));
  CHECK(contains(error_of([&] { image::crop(x, {0, 0, INT64_MAX, INT64_MAX}); }), "is not possible"));
  CHECK(contains(error_of([&] { image::pad(x, {-3, 0, -3, 0}); }), "cut more off than a picture of 4x5 has"));
  CHECK(contains(error_of([&] { image::pad(x, INT64_MAX); }), "is not possible"));
  CHECK(contains(error_of([&] { image::pad(x, INT64_MIN); }), "is not possible"));
  CHECK(contains(error_of([&] {
                   image::pad(x, 1, {.fill = {1, 2}});
                 }),
                 "fill has 2 values, a picture [3,4,5] needs 1 or 3"));
  CHECK(contains(error_of([&] { image::pad(x, 1, {.fill = {256}}); }), "holds 0 .. 255; change fill"));
  CHECK(contains(error_of([&] { image::pad(x, 1, {.fill = {std::numeric_limits<float>::quiet_NaN()}}); }),
                 "is no value of a byte picture"));
  CHECK(contains(error_of([&] {
                   image::pad(noise({3, 0, 5}), 1, {PadMode::edge});
                 }),
                 "has no pixels to continue"));
}
