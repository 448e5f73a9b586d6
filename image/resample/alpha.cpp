#include <kiln/image/resample/alpha.h>

#include <algorithm>

namespace kiln::image {
namespace {

// a * b / 255, rounded.
int product(int a, int b) {
  const int x = a * b + 128;
  return ((x >> 8) + x) >> 8;
}

}  // namespace

void multiply_by_alpha(const uint8_t* in, uint8_t* out, int64_t pixels, int channels) {
  for (int64_t i = 0; i < pixels; ++i, in += channels, out += channels) {
    const uint8_t alpha = in[channels - 1];
    for (int c = 0; c < channels - 1; ++c) out[c] = uint8_t(product(in[c], alpha));
    out[channels - 1] = alpha;
  }
}

void divide_by_alpha(const uint8_t* in, uint8_t* out, int64_t pixels, int channels) {
  for (int64_t i = 0; i < pixels; ++i, in += channels, out += channels) {
    const uint8_t alpha = in[channels - 1];
    for (int c = 0; c < channels - 1; ++c)
      out[c] = alpha == 0 || alpha == 255 ? in[c] : uint8_t(std::min(255, 255 * in[c] / alpha));
    out[channels - 1] = alpha;
  }
}

}  // namespace kiln::image
