#include <doctest/doctest.h>

#include <ctime>

#include <kiln/image/decode.h>
#include <kiln/image/encode.h>
#include <kiln/image/prepare.h>

#include "image/made_files.h"
#include "support/files.h"

namespace kiln {
namespace {

using test::contains;
using test::error_of;
using namespace std::string_literals;

std::string error_of_decode(const std::string& bytes, const image::DecodeOptions& options = {}) {
  return error_of([&] { image::decode(bytes, options); });
}

double processor_seconds() { return double(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace

TEST_CASE("damaged pictures: all that decode() takes is whole") {
  for (const auto& [name, bytes] : test::one_of_each()) {
    CAPTURE(name);
    CHECK(error_of_decode(bytes) == "");
  }
}

TEST_CASE("damaged pictures: cut off at every byte") {
  for (const auto& [name, bytes] : test::one_of_each()) {
    // A GIF is whole before the mark of its end: other frames may follow, and nobody looks at them.
    const size_t needed = bytes.size() - (name == "GIF" ? 1 : 0);
    for (size_t size = 0; size < needed; ++size) {
      CAPTURE(name);
      CAPTURE(size);
      const std::string part = bytes.substr(0, size);
      const std::string error = error_of_decode(part);
      CHECK(error.starts_with("decode: "));
      CHECK(error.size() < 300);
      CHECK(error_of([&] { image::prepare(part, {}); }) != "");
      error_of([&] { image::info(part); });
    }
  }
}

TEST_CASE("damaged pictures: every byte changed is a picture or an Error") {
  for (const auto& [name, bytes] : test::one_of_each())
    for (size_t at = 0; at < bytes.size(); ++at)
      for (const int change : {0x01, 0x80, 0xff}) {
        std::string other = bytes;
        other[at] = char(other[at] ^ change);
        const std::string error = error_of_decode(other, {.max_pixels = 1 << 20});
        CAPTURE(name);
        CHECK((error.empty() || error.starts_with("decode: ")));
      }
}

TEST_CASE("damaged pictures: headers of more pixels than there is memory") {
  const std::vector<std::pair<std::string, std::string>> files = {
      {"PNG", test::made_png(2147483647, 2147483647, 16, 6, "")},
      {"JPEG", "\xff\xd8" + test::jpeg_segment(0xc0, "\x8\xff\xff\xff\xff\3\1\x22\0\2\x11\0\3\x11\0"s)},
      {"GIF", test::made_gif(65535, 65535, "\x44\x0a"s)},
      {"PNM", "P6 1000000000 1000000000 255 "},
      {"BMP", "BM" + std::string(12, '\0') + test::little32(40) + test::little32(0x7fffffff) +
                  test::little32(0x7fffffff) + test::little16(1) + test::little16(24) +
                  std::string(24, '\0')},
      {"TGA", "\0\0\2"s + std::string(9, '\0') + test::little16(65535) + test::little16(65535) + "\x18\x20"},
      {"PSD", "8BPS" + test::big16(1) + std::string(6, '\0') + test::big16(3) + test::big32(300000) +
                  test::big32(300000) + test::big16(8) + test::big16(3)}};
  for (const auto& [name, bytes] : files) {
    CAPTURE(name);
    const double before = processor_seconds();
    CHECK(contains(error_of_decode(bytes), "pixels, more than the 89478485 of max_pixels"));
    CHECK(contains(error_of([&] { image::prepare(bytes, {}); }), "max_pixels"));
    CHECK(processor_seconds() - before < 0.05);
  }
  // Allowed by the caller, and still no memory is taken for what the file cannot hold.
  CHECK(contains(error_of_decode("P6 30000 30000 255 ", {.max_pixels = 1 << 30}), "cut off"));
}

TEST_CASE("damaged pictures: sizes of 0") {
  CHECK(contains(error_of_decode("P5 0 3 255 "), "the PNM picture is damaged: it is 0 x 3 pixels"));
  CHECK(contains(error_of_decode(test::made_png(0, 5, 8, 2, "")), "it is 0 x 5 pixels"));
  CHECK(contains(error_of_decode(test::made_gif(3, 0, "")), "it is 3 x 0 pixels"));
  CHECK(contains(error_of_decode("\xff\xd8" + test::jpeg_segment(0xc0, "\x8\0\0\0\5\1\1\x11\0"s)),
                 "it is 5 x 0 pixels"));
}

TEST_CASE("damaged pictures: scans without end") {
  CHECK(error_of_decode(test::jpeg_of_scans(1)) == "");
  CHECK(error_of_decode(test::jpeg_of_scans(33)) == "");
  const std::string bomb = test::jpeg_of_scans(10'000);
  CHECK(error_of_decode(bomb) ==
        "decode: the JPEG picture has more than 100 scans; raise max_scans if you trust it");
  CHECK(error_of_decode(test::jpeg_of_scans(100), {.max_scans = 300}) == "");
  CHECK(contains(error_of([&] { image::prepare(bomb, {}); }), "more than 100 scans"));
}

TEST_CASE("damaged pictures: JPEG") {
  const std::string good = image::encode_jpeg(test::some_picture(3, 40, 40), {.quality = 95});
  std::string bad = good;
  const size_t data = bad.find("\xff\xda") + 14;
  for (size_t i = data + 100; i < data + 140; ++i) bad[i] = '\x55';
  const std::string error = error_of_decode(bad);
  if (!error.empty()) CHECK(contains(error, "the JPEG picture is"));
  // Tables of codes that are no tree.
  CHECK(contains(error_of_decode("\xff\xd8" + test::jpeg_segment(0xc4, "\0\xff"s + std::string(15, '\0')) +
                                 good.substr(2)),
                 "damaged"));
  CHECK(contains(error_of_decode("\xff\xd8\xff\xd9"), "no frame header"));
  CHECK(contains(error_of_decode("\xff\xd8\xff\xe0\0\1"s), "a length of 1"));
  // Descriptions of many megabytes cost nothing.
  std::string described = "\xff\xd8";
  for (int i = 0; i < 200; ++i)
    described += test::jpeg_segment(i % 2 == 0 ? 0xe2 : 0xfe, std::string(65000, 'x'));
  CHECK(error_of_decode(described + good.substr(2)) == "");
}

TEST_CASE("damaged pictures: each checksum of PNG is compared") {
  const std::string palette = test::png_chunk("PLTE", std::string(12, '\7'));
  const std::string text = test::png_chunk("tEXt", "Comment\0hello"s);
  const std::string good = test::made_png(4, 1, 2, 3, "\0\x1b"s, palette + text);
  CHECK(error_of_decode(good) == "");
  for (const char* name : {"IHDR", "PLTE", "tEXt", "IDAT", "IEND"}) {
    CAPTURE(name);
    const size_t at = good.find(name);
    const uint32_t length = uint8_t(good[at - 1]);
    std::string bad = good;
    bad[at + 4 + length] ^= 1;
    CHECK(contains(error_of_decode(bad), "CRC error"));
  }
}

TEST_CASE("damaged pictures: PNG") {
  const std::string palette = test::png_chunk("PLTE", "abcdef");
  CHECK(error_of_decode(test::made_png(4, 1, 2, 3, "\0\x11"s, palette)) == "");
  CHECK(error_of_decode(test::made_png(4, 1, 2, 3, "\0\x1b"s, palette)) ==
        "decode: the PNG picture is damaged: a pixel has the colour 2 of 2");
  CHECK(contains(error_of_decode(test::made_png(4, 1, 2, 3, "\0\x1b"s)), "damaged"));
  CHECK(contains(error_of_decode(test::made_png(4, 1, 3, 2, "\0\x1b"s)), "damaged"));
  CHECK(contains(error_of_decode(test::made_png(4, 1, 8, 5, "\0\x1b"s)), "its colour type is 5"));
  CHECK(contains(error_of_decode(test::made_png(4, 1, 8, 0, "\7abcd")), "damaged"));
  CHECK(contains(error_of_decode(test::made_png(400, 400, 8, 0, "\0abcd"s)), "damaged"));
  // Transparency of a wrong length.
  CHECK(contains(error_of_decode(test::made_png(1, 1, 8, 2, "\0abc"s, test::png_chunk("tRNS", "1234567"))),
                 "tRNS"));
  // What would unpack to gigabytes is not unpacked.
  const std::string packed = test::png_chunk("zTXt", "x\0\0"s + std::string(100'000, '\x55'));
  CHECK(error_of_decode(test::made_png(1, 1, 8, 0, "\0a"s, packed)) == "");
}

TEST_CASE("damaged pictures: GIF") {
  CHECK(contains(error_of_decode(test::made_gif(2, 1, "\x7c"s)), "is not known where it stands"));
  CHECK(contains(error_of_decode(test::made_gif(2, 2, "\x44\x0a"s)), "cut off"));
  CHECK(contains(error_of_decode(test::made_gif(2, 1, "")), "cut off"));
  std::string bits = test::made_gif(2, 1, "\x44\x0a"s);
  bits[bits.size() - 6] = '\xd';
  CHECK(contains(error_of_decode(bits), "its codes begin with 13 bits"));
}

TEST_CASE("damaged pictures: what is no picture, or not allowed") {
  CHECK(error_of_decode("") == "decode: there are no bytes where a picture should be");
  CHECK(error_of_decode("RIFF\1\2\3\4WEBPVP8 ") ==
        "decode: this is a WebP picture, which is not read; convert it to PNG or JPEG");
  CHECK(contains(error_of_decode("\0\0\0\x18"s + "ftypheic"), "a HEIC picture"));
  CHECK(contains(error_of_decode("\0\0\0\x18"s + "ftypavif"), "an AVIF picture"));
  CHECK(contains(error_of_decode("II*\0\x8\0\0\0"s), "a TIFF picture"));
  CHECK(contains(error_of_decode("<svg xmlns"), "an SVG drawing"));
  CHECK(contains(error_of_decode("hello"), "it begins with the bytes 68 65 6c 6c 6f"));
  const image::DecodeOptions strict = {.formats = {image::Format::jpeg, image::Format::png}};
  for (const auto& [name, bytes] : test::one_of_each()) {
    CAPTURE(name);
    const bool allowed = name.starts_with("JPEG") || name.starts_with("PNG");
    CHECK(contains(error_of_decode(bytes, strict), "not among the allowed formats") == !allowed);
  }
}

TEST_CASE("damaged pictures: the path stands in the error of read() only") {
  const test::TemporaryFolder folder;
  const std::string path =
      folder.write("cut.png", image::encode_png(test::some_picture(3, 5, 5)).substr(0, 60));
  const std::string error = error_of([&] { image::read(path); });
  CHECK(error.starts_with(path + ": decode: the PNG picture is cut off"));
  CHECK(error_of([&] { image::read(folder / "none.png"); }) ==
        (folder / "none.png") + ": read: No such file or directory");
  CHECK(contains(error_of([&] { image::read(folder.path()); }), "not a regular file"));
  CHECK(contains(error_of([&] { image::read("a\0b"s); }), "a zero byte"));
}

}  // namespace kiln
