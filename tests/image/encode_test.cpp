#include <doctest/doctest.h>

#include <filesystem>

#include <kiln/autograd/ops.h>
#include <kiln/image/decode.h>
#include <kiln/image/encode.h>

#include "image/made_files.h"
#include "support/files.h"

namespace kiln {
namespace {

using test::contains;
using test::error_of;

}  // namespace

TEST_CASE("encode: PNG holds all of a picture") {
  for (int64_t channels = 1; channels <= 4; ++channels) {
    const Tensor picture = test::some_picture(channels, 6, 7);
    const image::DecodeOptions stored = {.mode = image::Mode::stored};
    for (const int compression : {0, 1, 9})
      CHECK(equal(image::decode(image::encode_png(picture, {.compression = compression}), stored), picture));
    // Any strides.
    const Tensor turned = picture.transpose(1, 2), part = picture.slice(1, 1, 5, 2).slice(2, 0, 7, 3);
    CHECK(equal(image::decode(image::encode_png(turned), stored), turned));
    CHECK(equal(image::decode(image::encode_png(part), stored), part));
    const Tensor one_row = picture.select(1, 2).unsqueeze(1).expand({channels, 4, 7});
    CHECK(equal(image::decode(image::encode_png(one_row), stored), one_row));
  }
  const Tensor grey = test::some_picture(1, 3, 5);
  CHECK(image::encode_png(grey.squeeze(0)) == image::encode_png(grey));
}

TEST_CASE("encode: JPEG is close, closer at a higher quality, smaller with less colour") {
  Tensor picture = empty({3, 32, 48}, {.dtype = uint8});
  for (int64_t i = 0; i < picture.numel(); ++i) picture.data<uint8_t>()[i] = uint8_t(i % 48 * 3 + i / 48);
  const auto error = [&](const std::string& bytes) {
    return (image::decode(bytes).to(float32) - picture.to(float32)).abs().mean().item<float>();
  };
  const std::string best =
      image::encode_jpeg(picture, {.quality = 98, .subsampling = image::Subsampling::s444});
  const std::string usual = image::encode_jpeg(picture, {.subsampling = image::Subsampling::s422});
  CHECK(error(best) < error(usual));
  CHECK(error(usual) < 8);
  CHECK(image::encode_jpeg(picture).size() < usual.size());
  CHECK(equal(image::decode(image::encode_jpeg(picture, {.progressive = true})),
              image::decode(image::encode_jpeg(picture))));
}

TEST_CASE("encode: what is no picture") {
  const Tensor picture = test::some_picture(3, 2, 2);
  CHECK(error_of([&] { image::encode_png(picture.to(float32) / 255); }) ==
        "encode_png: the picture is float32, expected uint8 of 0 .. 255; multiply one of 0 .. 1 by 255 and "
        "convert it");
  CHECK(contains(error_of([&] { image::encode_jpeg(test::some_picture(4, 2, 2)); }), "expected 1 or 3"));
  CHECK(contains(error_of([&] { image::encode_png(test::some_picture(5, 2, 2)); }),
                 "[C,H,W] with 1 to 4 channels"));
  CHECK(contains(error_of([&] { image::encode_png(picture.unsqueeze(0)); }), "expected [C,H,W]"));
  CHECK(contains(error_of([&] { image::encode_png(test::some_picture(3, 0, 2)); }), "no pixels"));
  CHECK(contains(error_of([&] { image::encode_png({}); }), "undefined"));
  CHECK(contains(error_of([&] { image::encode_jpeg(picture, {.quality = 0}); }), "the quality is 0"));
  CHECK(
      contains(error_of([&] { image::encode_png(picture, {.compression = 10}); }), "the compression is 10"));
  const Tensor wide = zeros({1, 1, 1}, {.dtype = uint8}).expand({1, 1, 66'000});
  CHECK(contains(error_of([&] { image::encode_jpeg(wide); }), "at most 65500 on a side"));
  CHECK(contains(
      error_of([&] {
        image::encode_png(wide.expand({1, 1, 66'000}).transpose(1, 2).expand({1, 66'000, 1'100'000}));
      }),
      "at most 1000000 on a side"));
}

TEST_CASE("write: by the ending, whole or not at all") {
  const test::TemporaryFolder folder;
  const Tensor picture = test::some_picture(3, 5, 6);
  image::write(folder / "a.png", picture);
  CHECK(equal(image::read(folder / "a.png"), picture));
  image::write(folder / "a.JPG", picture, {.jpeg = {.quality = 90}});
  CHECK(test::read_file(folder / "a.JPG") == image::encode_jpeg(picture, {.quality = 90}));
  CHECK(error_of([&] { image::write(folder / "a.gif", picture); }) ==
        (folder / "a.gif") + ": write: the ending '.gif' is not one of .png, .jpg and .jpeg");
  CHECK(contains(error_of([&] { image::write(folder / "a.b/png", picture); }), "the ending"));
  CHECK(error_of([&] { image::write(folder / "none/a.png", picture); }) ==
        (folder / "none/a.png") + ": write: No such file or directory");
  CHECK(contains(error_of([&] { image::write(folder / "b.png", {}); }),
                 "b.png: encode_png: the picture is undefined"));
  std::filesystem::create_directory(folder / "c.png");
  CHECK(contains(error_of([&] { image::write(folder / "c.png", picture); }), "c.png: write: "));
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) files += entry.exists();
  CHECK(files == 3);
}

}  // namespace kiln
