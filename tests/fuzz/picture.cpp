#include "fuzz/picture.h"

#include <kiln/image/decode.h>
#include <kiln/image/prepare.h>
#include <kiln/io/bytes/crc32.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::fuzz {
namespace {

constexpr size_t kPngSignature = 8, kAround = 12;  // of a chunk: length, name, checksum

uint32_t big32(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | uint8_t(bytes[at + i]);
  return value;
}

// Reads each byte, so that one that was never written is found by a tool that looks for it.
int64_t sum_of(const Tensor& x) {
  const auto* data = static_cast<const uint8_t*>(x.impl()->storage->data);
  int64_t sum = 0;
  for (int64_t i = 0; i < x.impl()->storage->bytes; ++i) sum += data[i];
  return sum;
}

std::string problem_of_shape(const Tensor& x, const image::Info& info, int64_t channels) {
  const bool fits = x.size(0) == channels && x.size(1) * x.size(2) == info.width * info.height;
  return fits && sum_of(x) >= 0 ? ""
                                : fmt::format("a picture of the shape {} whose header says {} x {}",
                                              x.shape(), info.width, info.height);
}

}  // namespace

std::vector<std::string> picture_files(std::string_view input) {
  if (!input.starts_with("\x89PNG")) return {std::string(input)};
  std::string right(input);
  for (size_t at = kPngSignature; at + kAround <= right.size();) {
    const size_t length = big32(right, at);
    if (length > right.size() - at - kAround) break;
    const uint32_t sum = io::crc32(right.data() + at + 4, length + 4);
    for (size_t i = 0; i < 4; ++i) right[at + 8 + length + i] = char(sum >> 8 * (3 - i));
    at += kAround + length;
  }
  return {std::string(input), right};
}

std::string problem_of_picture(std::string_view bytes) {
  // Few enough for a second under the sanitizers.
  const image::DecodeOptions limits = {.max_pixels = 1 << 14, .max_scans = 20};
  const image::Info info = image::info(bytes);
  image::DecodeOptions stored = limits, upright = limits;
  stored.mode = image::Mode::stored;
  stored.keep_16_bits = true;
  upright.mode = image::Mode::rgba;
  upright.apply_orientation = true;
  std::string problem = problem_of_shape(image::decode(bytes, stored), info, info.channels);
  if (problem.empty()) problem = problem_of_shape(image::decode(bytes, upright), info, 4);
  const Tensor whole = image::decode(bytes, limits);
  for (const image::Preset& preset :
       {image::Preset{.resize = 9, .crop = 7}, image::Preset{.resize = 7, .crop = 9}}) {
    const Tensor fused = image::prepare(bytes, preset, limits), steps = image::prepare(whole, preset);
    if (sum_of(fused) != sum_of(steps)) problem = "prepare() of the bytes is not that of the decoded picture";
  }
  return problem;
}

}  // namespace kiln::fuzz
