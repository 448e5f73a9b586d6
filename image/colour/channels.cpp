#include <kiln/image/colour/channels.h>

#include <algorithm>
#include <cstring>

#include <kiln/tensor/base/fail.h>

namespace kiln::image {

int64_t colours_of(const char* op, const Tensor& picture) {
  const int64_t channels = picture.shape()[0];
  if (channels < 1 || channels > 4)
    fail("{}: needs a grey or RGB picture, with alpha or without, got {} channels ({})", op, channels,
         picture.shape());
  return channels <= 2 ? 1 : 3;
}

Tensor with_colours(const Tensor& picture, int64_t colours) {
  const int64_t channels = picture.shape()[0];
  Tensor result = new_picture(picture, channels, size_of_picture(picture));
  if (channels > colours) {
    const int64_t plane = picture.shape()[1] * picture.shape()[2] * size_of(picture.dtype());
    std::memcpy(static_cast<char*>(result.raw_data()) + colours * plane,
                static_cast<const char*>(picture.raw_data()) + colours * plane, size_t(plane));
  }
  return result;
}

// Four counters, so that equal neighbours do not wait for each other.
Histogram histogram_of(const uint8_t* values, int64_t count) {
  std::array<Histogram, 4> parts = {};
  int64_t i = 0;
  for (; i + 4 <= count; i += 4)
    for (size_t k = 0; k < 4; ++k) ++parts[k][values[i + int64_t(k)]];
  for (; i < count; ++i) ++parts[0][values[i]];
  for (size_t value = 0; value < 256; ++value)
    for (size_t k = 1; k < 4; ++k) parts[0][value] += parts[k][value];
  return parts[0];
}

Tensor luma(const Tensor& picture, int64_t colours) {
  const int64_t plane = picture.shape()[1] * picture.shape()[2];
  Tensor grey = new_picture(picture, 1, size_of_picture(picture));
  if (picture.dtype() == uint8) {
    const uint8_t *r = picture.data<uint8_t>(), *g = r + plane, *b = g + plane;
    uint8_t* to = grey.data<uint8_t>();
    if (colours == 1) std::copy_n(r, plane, to);
    // Weights of 2^16, rounded.
    for (int64_t i = 0; colours > 1 && i < plane; ++i)
      to[i] = uint8_t((19595u * r[i] + 38470u * g[i] + 7471u * b[i] + 0x8000u) >> 16);
    return grey;
  }
  const float *r = picture.data<float>(), *g = r + plane, *b = g + plane;
  float* to = grey.data<float>();
  if (colours == 1) std::copy_n(r, plane, to);
  for (int64_t i = 0; colours > 1 && i < plane; ++i) to[i] = 0.2989f * r[i] + 0.587f * g[i] + 0.114f * b[i];
  return grey;
}

}  // namespace kiln::image
