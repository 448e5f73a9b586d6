#include <doctest/doctest.h>

#include <thread>

#include <kiln/autograd/ops.h>
#include <kiln/image/colour/colour.h>
#include <kiln/image/decode.h>
#include <kiln/image/encode.h>
#include <kiln/image/prepare.h>
#include <kiln/image/resize.h>

#include "image/made_files.h"
#include "support/files.h"

namespace kiln {
namespace {

using test::contains;
using test::error_of;

// Step by step, as torchvision does it.
Tensor naive(const Tensor& picture, const image::Preset& preset) {
  const Tensor resized =
      image::resize_shorter(picture, preset.resize, {.interpolation = preset.interpolation});
  const Tensor cut = image::center_crop(resized, {preset.crop, preset.crop}).to(float32) / 255.0;
  const auto column = [&](const std::array<float, 3>& x) {
    return tensor({x[0], x[1], x[2]}).narrow(0, 0, preset.channels).view({-1, 1, 1});
  };
  return (cut - column(preset.mean)) / column(preset.std);
}

constexpr image::Interpolation kAll[] = {image::Interpolation::nearest, image::Interpolation::bilinear,
                                         image::Interpolation::bicubic, image::Interpolation::lanczos};

}  // namespace

TEST_CASE("prepare: the bits of the steps one by one") {
  const std::pair<int64_t, int64_t> sizes[] = {{40, 30}, {31, 64}, {20, 20}, {5, 90}, {1, 1}, {100, 33}};
  for (const auto& [height, width] : sizes)
    for (const image::Interpolation interpolation : kAll)
      for (const auto& [resize, crop] : {std::pair<int64_t, int64_t>{20, 16}, {20, 27}, {33, 33}}) {
        const image::Preset preset = {.resize = resize, .crop = crop, .interpolation = interpolation};
        const Tensor picture = test::some_picture(3, height, width), expected = naive(picture, preset);
        CAPTURE(picture.shape());
        CAPTURE(resize);
        CHECK(equal(image::prepare(picture, preset), expected));
        CHECK(equal(image::prepare(picture.permute({1, 2, 0}).contiguous().permute({2, 0, 1}), preset),
                    expected));
        CHECK(equal(image::prepare(image::encode_png(picture), preset), expected));
      }
}

TEST_CASE("prepare: grey where the preset wants it, Pillow's") {
  for (const image::Interpolation interpolation : kAll)
    for (const int64_t crop : {16, 27}) {
      const image::Preset preset = {
          .resize = 20, .crop = crop, .interpolation = interpolation, .channels = 1};
      const Tensor picture = test::some_picture(3, 31, 44), grey = image::to_grayscale(picture);
      CHECK(equal(image::prepare(picture, preset), naive(grey, preset)));
      CHECK(equal(image::prepare(grey, preset), naive(grey, preset)));
      for (const std::string& bytes :
           {image::encode_png(picture), image::encode_png(grey), image::encode_jpeg(picture)}) {
        const Tensor decoded = image::decode(bytes);
        CHECK(equal(image::prepare(bytes, preset), naive(image::to_grayscale(decoded), preset)));
      }
    }
}

TEST_CASE("prepare: of a JPEG only what the crop shows is decoded, with the same bits") {
  using image::Subsampling;
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{200, 320}, {333, 97}, {64, 64}, {17, 250}})
    for (const Subsampling subsampling : {Subsampling::s444, Subsampling::s422, Subsampling::s420})
      for (const bool progressive : {false, true})
        for (const int64_t crop : {8, 40, 64}) {
          const image::Preset preset = {.resize = 64, .crop = crop};
          const std::string bytes = image::encode_jpeg(
              test::some_picture(3, height, width), {.subsampling = subsampling, .progressive = progressive});
          CAPTURE(height);
          CAPTURE(int(subsampling));
          CAPTURE(crop);
          CHECK(equal(image::prepare(bytes, preset), naive(image::decode(bytes), preset)));
        }
  const std::string grey = image::encode_jpeg(test::some_picture(1, 50, 70));
  const image::Preset preset = {.resize = 32, .crop = 24};
  CHECK(equal(image::prepare(grey, preset), naive(image::decode(grey), preset)));
}

TEST_CASE("prepare: the end of a JPEG is looked at though no pixel of it is needed") {
  const std::string bytes = image::encode_jpeg(test::some_picture(3, 900, 20));
  const image::Preset preset = {.resize = 20, .crop = 16};
  CHECK(error_of([&] { image::prepare(bytes, preset); }) == "");
  CHECK(
      contains(error_of([&] { image::prepare(bytes.substr(0, bytes.size() * 9 / 10), preset); }), "cut off"));
  CHECK(contains(error_of([&] { image::prepare(bytes.substr(0, bytes.size() - 2), preset); }), "cut off"));
}

TEST_CASE("prepare: what cannot be prepared") {
  CHECK(contains(error_of([&] { image::prepare(test::some_picture(1, 4, 4), {}); }),
                 "decode it with Mode::rgb"));
  CHECK(contains(error_of([&] { image::prepare(test::some_picture(3, 4, 4), {.crop = 0}); }), "crops 0"));
  CHECK(contains(error_of([&] { image::prepare(test::some_picture(3, 4, 4), {.channels = 2}); }),
                 "has 2 channels, expected 1 or 3"));
  CHECK(contains(error_of([&] { image::prepare(test::some_picture(2, 4, 4), {.channels = 1}); }),
                 "2 channels, expected 1"));
  CHECK(contains(error_of([&] { image::prepare("P5 1 1 255 a", {}, {.mode = image::Mode::grey}); }),
                 "must be rgb"));
}

TEST_CASE("prepare: threads do not see each other") {
  const std::string good = image::encode_jpeg(test::some_picture(3, 90, 80));
  const std::string bad = good.substr(0, good.size() / 2);
  const image::Preset preset = {.resize = 48, .crop = 40};
  const Tensor expected = image::prepare(good, preset);
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        wrong[t] += !equal(image::prepare(good, preset), expected);
        wrong[t] += !contains(error_of([&] { image::prepare(bad, preset); }), "cut off");
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4, 0));
}

}  // namespace kiln
