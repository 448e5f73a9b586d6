#include <doctest/doctest.h>

#include <kiln/autograd/ops.h>
#include <kiln/image/codec/exif.h>
#include <kiln/image/decode.h>
#include <kiln/image/encode.h>

#include "image/made_files.h"
#include "support/files.h"

namespace kiln {
namespace {

using namespace std::string_literals;

std::string numbered(const std::string& mark, bool big, uint32_t directory, uint32_t entries, uint32_t tag,
                     uint32_t type, uint32_t count, uint32_t value) {
  const auto two = big ? test::big16 : test::little16, four = big ? test::big32 : test::little32;
  return mark + four(directory) + two(entries) + two(tag) + two(type) + four(count) + two(value) + two(0) +
         four(0);
}
std::string exif(uint32_t value, bool big = false) {
  return numbered(big ? "MM\0*"s : "II*\0"s, big, 8, 1, 0x112, 3, 1, value);
}

// A JPEG of one turn.
std::string turned(int orientation, const Tensor& picture) {
  const std::string bytes = image::encode_jpeg(picture, {.quality = 100});
  return "\xff\xd8" +
         test::jpeg_segment(0xe1, "Exif\0\0"s + exif(uint32_t(orientation), orientation % 2 == 0)) +
         bytes.substr(2);
}

}  // namespace

TEST_CASE("info: what headers say") {
  const auto check = [](const std::string& bytes, image::Info expected) {
    const image::Info info = image::info(bytes);
    CAPTURE(image::name_of(info.format));
    CHECK(info.format == expected.format);
    CHECK(info.width == expected.width);
    CHECK(info.height == expected.height);
    CHECK(info.channels == expected.channels);
    CHECK(info.bits == expected.bits);
    CHECK(info.orientation == expected.orientation);
    const Tensor stored = image::decode(bytes, {.mode = image::Mode::stored});
    CHECK(stored.shape() == Shape({info.channels, info.height, info.width}));
  };
  using image::Format;
  check(image::encode_jpeg(test::some_picture(3, 4, 5)), {Format::jpeg, 5, 4, 3, 8, 1});
  check(image::encode_jpeg(test::some_picture(1, 4, 5)), {Format::jpeg, 5, 4, 1, 8, 1});
  check(turned(7, test::some_picture(3, 4, 5)), {Format::jpeg, 5, 4, 3, 8, 7});
  check(image::encode_png(test::some_picture(2, 4, 5)), {Format::png, 5, 4, 2, 8, 1});
  const std::string palette = test::png_chunk("PLTE", std::string(12, '\7'));
  check(test::made_png(4, 1, 2, 3, "\0\x1b"s, palette), {Format::png, 4, 1, 3, 8, 1});
  check(test::made_png(4, 1, 2, 3, "\0\x1b"s, palette + test::png_chunk("tRNS", "\5")),
        {Format::png, 4, 1, 4, 8, 1});
  check(test::made_png(1, 1, 16, 2, "\0abcdef"s, test::png_chunk("eXIf", exif(6))),
        {Format::png, 1, 1, 3, 16, 6});
  check(test::made_png(3, 1, 1, 0, "\0\x40"s), {Format::png, 3, 1, 1, 1, 1});
  for (const auto& [name, bytes] : test::one_of_each()) {
    const image::Info info = image::info(bytes);
    const Tensor stored = image::decode(bytes, {.mode = image::Mode::stored});
    CAPTURE(name);
    CHECK(stored.shape() == Shape({info.channels, info.height, info.width}));
  }
}

TEST_CASE("exif: the orientation, and what is none") {
  for (int value = 1; value <= 8; ++value) {
    CHECK(image::exif_orientation(exif(uint32_t(value))) == value);
    CHECK(image::exif_orientation(exif(uint32_t(value), true)) == value);
  }
  CHECK(image::exif_orientation("") == 1);
  CHECK(image::exif_orientation(exif(0)) == 1);
  CHECK(image::exif_orientation(exif(9)) == 1);
  CHECK(image::exif_orientation(numbered("IM*\0"s, false, 8, 1, 0x112, 3, 1, 6)) == 1);
  // A directory outside of the block, inside its header, at the end of numbers; more entries than there are;
  // other types.
  for (const uint32_t directory : {0u, 3u, 25u, 26u, 1000u, 0xfffffff0u, 0xffffffffu})
    CHECK(image::exif_orientation(numbered("II*\0"s, false, directory, 1, 0x112, 3, 1, 6)) == 1);
  CHECK(image::exif_orientation(numbered("II*\0"s, false, 8, 65535, 0x113, 3, 1, 6)) == 1);
  CHECK(image::exif_orientation(numbered("II*\0"s, false, 8, 65535, 0x112, 3, 1, 6)) == 6);
  CHECK(image::exif_orientation(numbered("II*\0"s, false, 8, 1, 0x112, 4, 1, 6)) == 1);
  CHECK(image::exif_orientation(numbered("II*\0"s, false, 8, 1, 0x112, 3, 2, 6)) == 1);
  const std::string whole = exif(6);
  for (size_t size = 0; size < 22; ++size) CHECK(image::exif_orientation(whole.substr(0, size)) == 1);
}

TEST_CASE("decode: orientations are applied where that is asked for") {
  const Tensor picture = test::some_picture(1, 3, 4);
  const Tensor plain =
      image::decode(image::encode_jpeg(picture, {.quality = 100}), {.mode = image::Mode::grey});
  const auto seen = [&](int orientation, bool apply) {
    return image::decode(turned(orientation, picture),
                         {.mode = image::Mode::grey, .apply_orientation = apply});
  };
  for (int orientation = 1; orientation <= 8; ++orientation) CHECK(equal(seen(orientation, false), plain));
  CHECK(equal(seen(2, true), plain.flip({2})));
  CHECK(equal(seen(3, true), plain.flip({1, 2})));
  CHECK(equal(seen(4, true), plain.flip({1})));
  CHECK(equal(seen(5, true), plain.transpose(1, 2)));
  CHECK(equal(seen(6, true), plain.transpose(1, 2).flip({2})));
  CHECK(equal(seen(7, true), plain.transpose(1, 2).flip({1, 2})));
  CHECK(equal(seen(8, true), plain.transpose(1, 2).flip({1})));
}

TEST_CASE("decode: modes and depths") {
  using image::Mode;
  const std::string deep = test::made_png(2, 1, 16, 4, "\0\1\2\x80\0\xff\xff\0\xff"s);
  CHECK(image::decode(deep, {.mode = Mode::stored}).to_vector<int>() == std::vector<int>{1, 255, 128, 0});
  const Tensor kept = image::decode(deep, {.mode = Mode::stored, .keep_16_bits = true});
  CHECK(kept.dtype() == int32);
  CHECK(kept.to_vector<int>() == std::vector<int>{0x102, 0xffff, 0x8000, 0xff});
  CHECK(image::decode(deep, {.mode = Mode::rgba, .keep_16_bits = true}).to_vector<int>() ==
        std::vector<int>{0x102, 0xffff, 0x102, 0xffff, 0x102, 0xffff, 0x8000, 0xff});
  CHECK(image::decode("P5 2 1 65535 \1\2\x80\0"s, {.mode = Mode::grey, .keep_16_bits = true})
            .to_vector<int>() == std::vector<int>{0x102, 0x8000});
  CHECK(image::decode("P5 2 1 15 \x5\xf"s, {.mode = Mode::grey}).to_vector<int>() ==
        std::vector<int>{85, 255});
  const Tensor rgb = image::decode("P6 1 2 255 abcdef");
  CHECK(rgb.to_vector<int>() == std::vector<int>{'a', 'd', 'b', 'e', 'c', 'f'});
  CHECK(rgb.strides() == Strides({1, 3, 3}));
  CHECK(image::decode("P5 1 1 255 a", {.mode = Mode::rgba}).to_vector<int>() ==
        std::vector<int>{'a', 'a', 'a', 255});
}

}  // namespace kiln
