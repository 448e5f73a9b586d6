#include <algorithm>
#include <cmath>

#include <kiln/image/colour/channels.h>
#include <kiln/image/colour/colour.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

struct Bytes3 {
  uint8_t a, b, c;
};

// Hue, saturation and value as bytes, with the roundings of Pillow's conversion: values are floats, what is
// computed with constants double.
Bytes3 hsv_of(uint8_t r, uint8_t g, uint8_t b) {
  const uint8_t most = std::max({r, g, b}), least = std::min({r, g, b});
  if (most == least) return {0, 0, most};
  const float range = float(most - least);
  const float saturation = range / float(most);
  const float red = float(most - r) / range, green = float(most - g) / range, blue = float(most - b) / range;
  const float sixths = r == most   ? blue - green
                       : g == most ? float(2.0 + double(red) - double(blue))
                                   : float(4.0 + double(green) - double(red));
  const float hue = float(std::fmod(double(sixths) / 6.0 + 1.0, 1.0));
  return {uint8_t(double(hue) * 255.0), uint8_t(double(saturation) * 255.0), most};
}

Bytes3 rgb_of(uint8_t hue, uint8_t saturation, uint8_t value) {
  if (saturation == 0) return {value, value, value};
  const double sixths = double(hue) * 6.0 / 255.0;
  const int sector = int(sixths);
  const float rest = float(sixths - double(sector)), s = float(double(saturation) / 255.0);
  const auto dimmed = [&](double by) { return uint8_t(std::lround(double(value) * (1.0 - by))); };
  const uint8_t p = dimmed(double(s)), q = dimmed(double(s * rest)),
                t = dimmed(double(s) * (1.0 - double(rest)));
  switch (sector % 6) {
    case 0:
      return {value, t, p};
    case 1:
      return {q, value, p};
    case 2:
      return {p, value, t};
    case 3:
      return {p, q, value};
    case 4:
      return {t, p, value};
    default:
      return {value, p, q};
  }
}

}  // namespace

Tensor adjust_hue(const Tensor& picture, double turn) {
  check_pixels("adjust_hue", picture, false);
  if (!(turn >= -0.5 && turn <= 0.5)) fail("adjust_hue: the turn must be in -0.5 .. 0.5, got {}", turn);
  const Tensor x = contiguous_copy(picture);
  const int64_t colours = colours_of("adjust_hue", x), plane = x.shape()[1] * x.shape()[2];
  if (colours == 1) return picture;
  const Tensor result = with_colours(x, colours);
  const uint8_t* from = x.data<uint8_t>();
  uint8_t* to = result.data<uint8_t>();
  const uint8_t shift = uint8_t(int(turn * 255));
  for (int64_t i = 0; i < plane; ++i) {
    const Bytes3 hsv = hsv_of(from[i], from[plane + i], from[2 * plane + i]);
    const Bytes3 rgb = rgb_of(uint8_t(hsv.a + shift), hsv.b, hsv.c);
    to[i] = rgb.a;
    to[plane + i] = rgb.b;
    to[2 * plane + i] = rgb.c;
  }
  return result;
}

}  // namespace kiln::image
