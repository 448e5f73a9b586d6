#include <kiln/image/compose/paste.h>

#include <algorithm>

#include <kiln/image/elements.h>
#include <kiln/image/move/alpha.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

struct Pixel {
  uint32_t r, g, b, a;
};

// Seven bits more than a byte for the weights, divisions rounded.
Pixel over(const Pixel& below, const Pixel& above) {
  constexpr uint32_t kBits = 7, kHalf = 0x80u << kBits;
  if (above.a == 0) return below;
  const uint32_t alpha = above.a * 255 + below.a * (255 - above.a);
  const uint32_t weight = above.a * 255 * (255 << kBits) / alpha, rest = (255 << kBits) - weight;
  const auto mixed = [&](uint32_t x, uint32_t y) {
    const uint32_t sum = x * weight + y * rest + kHalf;
    return (((sum >> 8) + sum) >> 8) >> kBits;
  };
  return {mixed(above.r, below.r), mixed(above.g, below.g), mixed(above.b, below.b), divide_255(alpha)};
}

// The mask as a contiguous plane of bytes; none: undefined.
Tensor mask_of(const Tensor& picture, const Tensor& mask) {
  if (!mask.defined()) return {};
  const Pair size = size_of_picture(picture);
  const bool flat = mask.dim() == 2;
  if (mask.dtype() != uint8 || !mask.device().is_cpu() || !(flat || (mask.dim() == 3 && mask.size(0) == 1)) ||
      mask.size(-2) != size.h || mask.size(-1) != size.w)
    fail("paste: the mask must be uint8 [{},{}] on the CPU as the picture is large, got {} {}", size.h,
         size.w, mask.dtype(), mask.shape());
  return contiguous_copy(mask);
}

}  // namespace

Tensor paste(const Tensor& background, const Tensor& picture, const PasteOptions& options) {
  for (const Tensor& x : {background, picture}) check_pixels("paste", x, false);
  const Tensor under = contiguous_copy(background), top = contiguous_copy(picture);
  const int64_t channels = under.shape()[0];
  const bool own_mask = top.shape()[0] == channels + 1;
  if (top.shape()[0] != channels && !own_mask)
    fail("paste: the background has {} channels, the picture {}; it needs {}, or one more as its mask",
         channels, top.shape()[0], channels);
  const auto [h, w] = size_of_picture(under);
  const auto [from_h, from_w] = size_of_picture(top);
  const Tensor given = mask_of(top, options.mask);
  const uint8_t* mask = given.defined() ? given.data<uint8_t>()
                        : own_mask      ? top.data<uint8_t>() + channels * from_h * from_w
                                        : nullptr;
  Tensor result = new_picture(under, channels, {h, w});
  std::copy_n(under.data<uint8_t>(), under.numel(), result.data<uint8_t>());
  constexpr int64_t kFar = int64_t(1) << 40;  // differences of places stay within int64
  const int64_t top_row = std::clamp(options.top, -kFar, kFar), left = std::clamp(options.left, -kFar, kFar);
  const int64_t first_row = std::clamp<int64_t>(top_row, 0, h), first = std::clamp<int64_t>(left, 0, w);
  const int64_t rows = std::min(h - first_row, from_h - (first_row - top_row));
  const int64_t columns = std::min(w - first, from_w - (first - left));
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t at = (first_row - top_row + i) * from_w + first - left;
      const uint8_t* from = top.data<uint8_t>() + c * from_h * from_w + at;
      uint8_t* to = result.data<uint8_t>() + (c * h + first_row + i) * w + first;
      for (int64_t j = 0; j < columns; ++j) {
        const uint32_t weight = mask == nullptr ? 255 : mask[at + j];
        to[j] = uint8_t(divide_255(to[j] * (255 - weight) + from[j] * weight));
      }
    }
  return result;
}

Tensor alpha_composite(const Tensor& background, const Tensor& source) {
  for (const Tensor& x : {background, source}) check_pixels("alpha_composite", x, false);
  if (background.shape() != source.shape() || source.shape()[0] != 4)
    fail("alpha_composite: needs two RGBA pictures [4,H,W] of one size, got {} and {}", background.shape(),
         source.shape());
  const Tensor below = contiguous_copy(background), above = contiguous_copy(source);
  Tensor result = new_picture(below, 4, size_of_picture(below));
  const int64_t plane = below.shape()[1] * below.shape()[2];
  const uint8_t *b = below.data<uint8_t>(), *a = above.data<uint8_t>();
  uint8_t* to = result.data<uint8_t>();
  for (int64_t i = 0; i < plane; ++i) {
    const auto pixel = [&](const uint8_t* x) {
      return Pixel{x[i], x[plane + i], x[2 * plane + i], x[3 * plane + i]};
    };
    const Pixel mixed = over(pixel(b), pixel(a));
    to[i] = uint8_t(mixed.r);
    to[plane + i] = uint8_t(mixed.g);
    to[2 * plane + i] = uint8_t(mixed.b);
    to[3 * plane + i] = uint8_t(mixed.a);
  }
  return result;
}

}  // namespace kiln::image
