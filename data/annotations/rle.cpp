#include <cstring>

#include <kiln/data/annotations/annotations.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::data {
namespace {

constexpr char kFirst = 48;             // the letter of zero
constexpr int kBits = 5, kMore = 0x20;  // a letter's; whether another follows

}  // namespace

Tensor decode_rle(const Rle& mask) {
  if (mask.height < 0 || mask.width < 0 || mask.height > UINT32_MAX || mask.width > UINT32_MAX)
    fail("decode_rle: a mask of {} x {} is not possible", mask.width, mask.height);
  uint64_t pixels = 0;
  for (const uint32_t run : mask.runs) pixels += run;
  if (pixels != uint64_t(mask.height) * uint64_t(mask.width))
    fail("decode_rle: the runs are {} pixels, a mask of {} x {} has {}", pixels, mask.width, mask.height,
         uint64_t(mask.height) * uint64_t(mask.width));
  const Tensor result = empty({mask.height, mask.width}, {.dtype = uint8, .device = cpu});
  auto* out = result.data<uint8_t>();
  uint64_t at = 0;
  uint8_t value = 0;
  for (const uint32_t run : mask.runs) {
    for (uint64_t i = 0; i < run; ++i, ++at)
      out[int64_t(at) % mask.height * mask.width + int64_t(at) / mask.height] = value;
    value ^= 1;
  }
  return result;
}

Rle encode_rle(const Tensor& mask) {
  if (!mask.defined() || mask.dim() != 2) fail("encode_rle: a mask is [height,width]");
  const std::vector<uint8_t> values = mask.to_vector<uint8_t>();
  Rle result = {mask.shape()[0], mask.shape()[1], {}};
  uint32_t run = 0;
  bool value = false;
  for (int64_t x = 0; x < result.width; ++x)
    for (int64_t y = 0; y < result.height; ++y) {
      if ((values[size_t(y * result.width + x)] != 0) != value) {
        result.runs.push_back(run);
        run = 0;
        value = !value;
      }
      ++run;
    }
  if (run > 0) result.runs.push_back(run);
  return result;
}

std::vector<uint32_t> rle_from_text(const std::string& text) {
  std::vector<uint32_t> runs;
  for (size_t at = 0; at < text.size();) {
    int64_t value = 0;
    int shift = 0;
    bool more = true;
    while (more) {
      const int letter = at < text.size() ? int(uint8_t(text[at])) - kFirst : -1;
      if (letter < 0 || letter > 63 || shift > 35)
        fail("rle_from_text: letter {} is no part of a mask", at < text.size() ? at : text.size());
      ++at;
      value |= int64_t(letter & (kMore - 1)) << shift;
      shift += kBits;
      more = (letter & kMore) != 0;
      if (!more && (letter & 0x10) != 0) value |= int64_t(-1) * (int64_t(1) << shift);
    }
    if (runs.size() > 2) value += runs[runs.size() - 2];
    if (value < 0 || value > UINT32_MAX) fail("rle_from_text: run {} has the length {}", runs.size(), value);
    runs.push_back(uint32_t(value));
  }
  return runs;
}

std::string rle_to_text(const std::vector<uint32_t>& runs) {
  std::string text;
  for (size_t i = 0; i < runs.size(); ++i) {
    int64_t value = runs[i];
    if (i > 2) value -= runs[i - 2];
    bool more = true;
    while (more) {
      int letter = int(value & (kMore - 1));
      value >>= kBits;
      more = (letter & 0x10) != 0 ? value != -1 : value != 0;
      if (more) letter |= kMore;
      text += char(letter + kFirst);
    }
  }
  return text;
}

}  // namespace kiln::data
