#include <kiln/project/overlay.h>

#include <algorithm>
#include <array>
#include <cmath>

#include <kiln/autograd/ops.h>
#include <kiln/image/resize.h>

namespace kiln::project {
namespace {

constexpr double kWhite = 255, kMostCover = 0.6;

// Blue, cyan, yellow, red.
std::array<double, 3> colour_of(double heat) {
  constexpr std::array<std::array<double, 3>, 4> kColours = {
      {{0, 0, 1}, {0, 0.8, 0.9}, {1, 0.9, 0}, {0.9, 0, 0}}};
  const double at = std::clamp(heat, 0.0, 1.0) * double(kColours.size() - 1);
  const size_t low = std::min(size_t(at), kColours.size() - 2);
  const double part = at - double(low);
  std::array<double, 3> colour = {};
  for (size_t c = 0; c < 3; ++c) colour[c] = kColours[low][c] * (1 - part) + kColours[low + 1][c] * part;
  return colour;
}

uint8_t byte_of(double x) { return uint8_t(std::lround(std::clamp(x, 0.0, kWhite))); }

}  // namespace

Tensor shown(const Tensor& prepared, const image::Preset& preset) {
  const Tensor x = prepared.contiguous();
  const int64_t pixels = x.size(1) * x.size(2);
  Tensor picture = empty({3, x.size(1), x.size(2)}, {.dtype = uint8, .device = cpu});
  for (size_t c = 0; c < 3; ++c) {
    const size_t from = preset.channels == 1 ? 0 : c;
    const auto* in = x.data<float>() + int64_t(from) * pixels;
    auto* out = picture.data<uint8_t>() + int64_t(c) * pixels;
    for (int64_t i = 0; i < pixels; ++i)
      out[i] = byte_of(kWhite * (double(in[i]) * preset.std[from] + preset.mean[from]));
  }
  return picture;
}

Tensor overlay(const Tensor& picture, const Tensor& map) {
  const Tensor below = picture.contiguous();
  const int64_t height = below.size(1), width = below.size(2), pixels = height * width;
  const Tensor heat = map.to(float32).contiguous();
  Tensor bytes = empty({1, heat.size(0), heat.size(1)}, {.dtype = uint8, .device = cpu});
  for (int64_t i = 0; i < heat.numel(); ++i)
    bytes.data<uint8_t>()[i] = byte_of(kWhite * heat.data<float>()[i]);
  const Tensor large =
      image::resize(bytes, {height, width}, {.interpolation = image::Interpolation::bicubic}).contiguous();
  Tensor result = empty({3, height, width}, {.dtype = uint8, .device = cpu});
  for (int64_t i = 0; i < pixels; ++i) {
    const double value = large.data<uint8_t>()[i] / kWhite, cover = kMostCover * value;
    const std::array<double, 3> colour = colour_of(value);
    for (size_t c = 0; c < 3; ++c) {
      const int64_t at = int64_t(c) * pixels + i;
      result.data<uint8_t>()[at] =
          byte_of((1 - cover) * below.data<uint8_t>()[at] + cover * kWhite * colour[c]);
    }
  }
  return result;
}

}  // namespace kiln::project
