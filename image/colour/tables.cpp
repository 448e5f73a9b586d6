#include <algorithm>
#include <cmath>

#include <kiln/image/colour/channels.h>
#include <kiln/image/colour/colour.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

template <class F>
ByteTable table_of(F&& f) {
  ByteTable table;
  for (int value = 0; value < 256; ++value)
    table[size_t(value)] = uint8_t(std::clamp<int64_t>(f(value), 0, 255));
  return table;
}

ByteTable unchanged() {
  return table_of([](int value) { return value; });
}

ByteTable autocontrast_table(const uint8_t* values, int64_t count) {
  if (count == 0) return unchanged();
  const auto [least, most] = std::minmax_element(values, values + count);
  const int low = *least, high = *most;
  if (high <= low) return unchanged();
  const double scale = 255.0 / double(high - low), offset = -low * scale;
  return table_of([&](int value) { return int64_t(value * scale + offset); });
}

ByteTable equalize_table(const uint8_t* values, int64_t count) {
  const Histogram histogram = histogram_of(values, count);
  int64_t last = 0;
  for (const int64_t entries : histogram)
    if (entries != 0) last = entries;
  const int64_t step = (count - last) / 255;
  if (step == 0) return unchanged();
  int64_t sum = step / 2;
  ByteTable table;
  for (size_t value = 0; value < table.size(); ++value) {
    table[value] = uint8_t(std::min<int64_t>(sum / step, 255));
    sum += histogram[value];
  }
  return table;
}

}  // namespace

Tensor invert(const Tensor& picture) {
  check_pixels("invert", picture);
  if (picture.dtype() == float32) return through_function("invert", picture, [](float x) { return 1 - x; });
  const ByteTable table = table_of([](int value) { return 255 - value; });
  return through_tables("invert", picture, [&](const uint8_t*, int64_t) { return table; });
}

Tensor solarize(const Tensor& picture, double threshold) {
  check_pixels("solarize", picture);
  if (std::isnan(threshold)) fail("solarize: the threshold is not a number");
  if (picture.dtype() == float32)
    return through_function("solarize", picture, [&](float x) { return x < float(threshold) ? x : 1 - x; });
  const ByteTable table =
      table_of([&](int value) { return double(value) < threshold ? value : 255 - value; });
  return through_tables("solarize", picture, [&](const uint8_t*, int64_t) { return table; });
}

Tensor posterize(const Tensor& picture, int bits) {
  check_pixels("posterize", picture, false);
  if (bits < 0 || bits > 8) fail("posterize: keeps 0 .. 8 bits, got {}", bits);
  const ByteTable table = table_of([&](int value) { return value & ~((1 << (8 - bits)) - 1); });
  return through_tables("posterize", picture, [&](const uint8_t*, int64_t) { return table; });
}

Tensor adjust_gamma(const Tensor& picture, double gamma, double gain) {
  check_pixels("adjust_gamma", picture, false);
  if (!(gamma >= 0) || !std::isfinite(gamma) || !std::isfinite(gain))
    fail("adjust_gamma: gamma must not be negative and both must be finite, got {} and {}", gamma, gain);
  // What is just below 256 falls on 255.
  const ByteTable table = table_of([&](int value) {
    return int64_t(std::clamp((255 + 1 - 1e-3) * gain * std::pow(value / 255.0, gamma), -1.0, 256.0));
  });
  return through_tables("adjust_gamma", picture, [&](const uint8_t*, int64_t) { return table; });
}

Tensor autocontrast(const Tensor& picture) {
  check_pixels("autocontrast", picture, false);
  return through_tables("autocontrast", picture, autocontrast_table);
}

Tensor equalize(const Tensor& picture) {
  check_pixels("equalize", picture, false);
  return through_tables("equalize", picture, equalize_table);
}

}  // namespace kiln::image
