#include <kiln/project/check/picture_facts.h>

#include <algorithm>
#include <cmath>

#include <kiln/image/decode.h>
#include <kiln/image/resize.h>
#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/sha256.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::project {
namespace {

constexpr int64_t kMostBytes = int64_t(1) << 30;

Tensor grey_of(const Tensor& rgb, image::Size size) {
  const Tensor small = image::resize(rgb, size).contiguous();
  Tensor grey = empty({size.height, size.width}, {.dtype = uint8, .device = cpu});
  const auto* in = small.data<uint8_t>();
  auto* out = grey.data<uint8_t>();
  const int64_t pixels = size.height * size.width;
  // Pillow's weights.
  for (int64_t i = 0; i < pixels; ++i)
    out[i] = uint8_t((in[i] * 19595 + in[pixels + i] * 38470 + in[2 * pixels + i] * 7471 + 0x8000) >> 16);
  return grey;
}

void add_pixels(const Tensor& rgb, PictureFacts& facts) {
  const int64_t height = rgb.size(1), width = rgb.size(2);
  for (int64_t c = 0; c < 3; ++c) {
    // Rows of 32-bit sums are exact up to 66,000 pixels; longer ones go in parts.
    constexpr int64_t kPart = 1 << 15;
    const auto* channel = rgb.data<uint8_t>() + c * rgb.stride(0);
    for (int64_t y = 0; y < height; ++y)
      for (int64_t begin = 0; begin < width; begin += kPart) {
        uint32_t sum = 0, squares = 0;
        const auto* row = channel + y * rgb.stride(1);
        const int64_t step = rgb.stride(2), end = std::min(begin + kPart, width);
        for (int64_t x = begin; x < end; ++x) {
          const uint32_t value = row[x * step];
          sum += value;
          squares += value * value;
        }
        facts.sum[size_t(c)] += sum;
        facts.squares[size_t(c)] += squares;
      }
  }
  facts.pixels = double(height) * double(width);
}

uint64_t signs_of(const Tensor& rgb) {
  const Tensor grey = grey_of(rgb, {8, 9});
  const auto* values = grey.data<uint8_t>();
  uint64_t signs = 0;
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 8; ++x) signs = signs << 1 | uint64_t(values[y * 9 + x] > values[y * 9 + x + 1]);
  return signs;
}

void measure_contrast(PictureFacts& facts) {
  double sum = 0, squares = 0;
  for (const uint8_t value : facts.small) sum += value, squares += double(value) * value;
  const auto n = double(facts.small.size());
  facts.mean = sum / n;
  facts.deviation = std::sqrt(std::max(squares / n - facts.mean * facts.mean, 0.0));
}

}  // namespace

PictureFacts facts_of(const std::string& path) {
  PictureFacts facts;
  try {
    const io::InputFile file(path);
    facts.bytes = file.size();
    if (facts.bytes == 0) fail("the file is empty");
    if (facts.bytes > kMostBytes) fail("the file has {} bytes, more than a picture has", facts.bytes);
    const std::string bytes = file.read(0, facts.bytes);
    io::Sha256 hash;
    hash.add(bytes.data(), bytes.size());
    facts.sha256 = hash.finish();
    facts.info = image::info(bytes);
    const Tensor rgb = image::decode(bytes);
    const Tensor grey = grey_of(rgb, {PictureFacts::kSmall, PictureFacts::kSmall});
    std::copy_n(grey.data<uint8_t>(), facts.small.size(), facts.small.begin());
    measure_contrast(facts);
    facts.signs = signs_of(rgb);
    add_pixels(rgb, facts);
  } catch (const std::exception& error) {
    facts.error = error.what();
  }
  return facts;
}

double unlikeness(const PictureFacts& a, const PictureFacts& b) {
  constexpr double kLeast = 1;  // grey levels
  if (a.deviation < kLeast || b.deviation < kLeast)
    return a.deviation < kLeast && b.deviation < kLeast ? 0 : 2;
  int32_t products = 0;
  for (size_t i = 0; i < a.small.size(); ++i) products += int32_t(a.small[i]) * b.small[i];
  const double correlation =
      (products / double(a.small.size()) - a.mean * b.mean) / (a.deviation * b.deviation);
  return std::sqrt(std::max(2 - 2 * correlation, 0.0));
}

}  // namespace kiln::project
