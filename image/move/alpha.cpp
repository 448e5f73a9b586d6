#include <kiln/image/move/alpha.h>

#include <algorithm>
#include <cstring>

#include <kiln/image/elements.h>

namespace kiln::image {
namespace {

// Each colour of each pixel becomes f(colour, alpha); alpha stays.
template <class F>
Tensor weigh(const Tensor& picture, F&& f) {
  const int64_t channels = picture.shape()[0], plane = picture.shape()[1] * picture.shape()[2];
  Tensor result = new_picture(picture, channels, size_of_picture(picture));
  const uint8_t* alpha = picture.data<uint8_t>() + (channels - 1) * plane;
  for (int64_t c = 0; c + 1 < channels; ++c) {
    const uint8_t* from = picture.data<uint8_t>() + c * plane;
    uint8_t* to = result.data<uint8_t>() + c * plane;
    for (int64_t i = 0; i < plane; ++i) to[i] = f(from[i], alpha[i]);
  }
  std::copy_n(alpha, plane, result.data<uint8_t>() + (channels - 1) * plane);
  return result;
}

}  // namespace

bool has_alpha(const Tensor& picture) {
  return picture.dtype() == uint8 && (picture.shape()[0] == 2 || picture.shape()[0] == 4);
}

Tensor premultiplied(const Tensor& picture) {
  return weigh(picture, [](uint32_t colour, uint32_t alpha) { return uint8_t(divide_255(colour * alpha)); });
}

Tensor unpremultiplied(const Tensor& picture) {
  return weigh(picture, [](uint32_t colour, uint32_t alpha) {
    if (alpha == 0 || alpha == 255) return uint8_t(colour);
    return uint8_t(std::min<uint32_t>(255 * colour / alpha, 255));
  });
}

}  // namespace kiln::image
