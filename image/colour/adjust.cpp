#include <algorithm>
#include <cmath>

#include <kiln/image/colour/channels.h>
#include <kiln/image/colour/colour.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

void check_factor(const char* op, double factor) {
  if (!(factor >= 0) || !std::isfinite(factor))
    fail("{}: the factor must be a number that is not negative, got {}", op, factor);
}

// The picture mixed with one value everywhere.
Tensor blend_with(const char* op, const Tensor& picture, float value, double factor) {
  if (picture.dtype() == float32)
    return through_function(op, picture, [&](float x) { return blend(value, x, float(factor)); });
  ByteTable table;
  for (size_t x = 0; x < table.size(); ++x) table[x] = blend(uint8_t(value), uint8_t(x), float(factor));
  return through_tables(op, picture, [&](const uint8_t*, int64_t) { return table; });
}

float mean_of(const Tensor& grey) {
  const int64_t count = grey.numel();
  if (grey.dtype() == uint8) {
    int64_t sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += grey.data<uint8_t>()[i];
    return float(std::floor(double(sum) / double(count) + 0.5));
  }
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += double(grey.data<float>()[i]);
  return float(sum / double(count));
}

template <class T>
void desaturate(const Tensor& x, const Tensor& grey, int64_t colours, float factor, const Tensor& result) {
  const int64_t plane = grey.numel();
  const T* mixed = grey.data<T>();
  for (int64_t c = 0; c < colours; ++c) {
    const T* from = x.data<T>() + c * plane;
    T* to = result.data<T>() + c * plane;
    for (int64_t i = 0; i < plane; ++i) to[i] = blend(mixed[i], from[i], factor);
  }
}

}  // namespace

Tensor adjust_brightness(const Tensor& picture, double factor) {
  check_pixels("adjust_brightness", picture);
  check_factor("adjust_brightness", factor);
  return blend_with("adjust_brightness", picture, 0, factor);
}

Tensor adjust_contrast(const Tensor& picture, double factor) {
  check_pixels("adjust_contrast", picture);
  check_factor("adjust_contrast", factor);
  const Tensor x = contiguous_copy(picture);
  const int64_t colours = colours_of("adjust_contrast", x);
  if (x.numel() == 0) return x;
  return blend_with("adjust_contrast", x, mean_of(luma(x, colours)), factor);
}

Tensor adjust_saturation(const Tensor& picture, double factor) {
  check_pixels("adjust_saturation", picture);
  check_factor("adjust_saturation", factor);
  const Tensor x = contiguous_copy(picture);
  const int64_t colours = colours_of("adjust_saturation", x);
  if (colours == 1) return picture;
  const Tensor grey = luma(x, colours), result = with_colours(x, colours);
  if (x.dtype() == uint8)
    desaturate<uint8_t>(x, grey, colours, float(factor), result);
  else
    desaturate<float>(x, grey, colours, float(factor), result);
  return result;
}

Tensor to_grayscale(const Tensor& picture, int64_t channels) {
  check_pixels("to_grayscale", picture);
  if (channels != 1 && channels != 3) fail("to_grayscale: gives 1 or 3 channels, not {}", channels);
  const Tensor x = contiguous_copy(picture);
  const Tensor grey = luma(x, colours_of("to_grayscale", x));
  if (channels == 1) return grey;
  Tensor result = new_picture(x, 3, size_of_picture(x));
  const int64_t bytes = grey.nbytes();
  for (int64_t c = 0; c < 3; ++c)
    std::copy_n(static_cast<const char*>(grey.raw_data()), bytes,
                static_cast<char*>(result.raw_data()) + c * bytes);
  return result;
}

}  // namespace kiln::image
