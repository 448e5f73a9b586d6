#include <kiln/image/resize.h>

#include <cstring>

#include <kiln/image/resample/alpha.h>
#include <kiln/image/resample/passes.h>
#include <kiln/image/resample/picture.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/saturate.h>

namespace kiln::image {
namespace {

uint8_t* row_of(const Tensor& picture, int64_t y) { return picture.data<uint8_t>() + y * picture.stride(1); }

Tensor copy_of(const Tensor& picture) {
  const int64_t channels = picture.size(0), height = picture.size(1), width = picture.size(2);
  const Tensor result = empty_picture(channels, height, width);
  PictureRows rows(picture);
  for (int64_t y = 0; y < height; ++y) std::memcpy(row_of(result, y), rows.row(y), size_t(channels * width));
  return result;
}

Tensor nearest(const Tensor& picture, const Span& down, const Span& across) {
  const int64_t channels = picture.size(0);
  const Tensor result = empty_picture(channels, down.result, across.result);
  const std::vector<int32_t> ys = nearest_axis(down), xs = nearest_axis(across);
  PictureRows rows(picture);
  for (int64_t y = 0; y < down.result; ++y) {
    uint8_t* out = row_of(result, y);
    if (ys[size_t(y)] < 0) {
      std::memset(out, 0, size_t(across.result * channels));
      continue;
    }
    const uint8_t* in = rows.row(ys[size_t(y)]);
    for (const int32_t x : xs)
      for (int64_t c = 0; c < channels; ++c) *out++ = x < 0 ? 0 : in[x * channels + c];
  }
  return result;
}

Tensor filtered(const Tensor& picture, const Span& down, const Span& across, const ResizeOptions& options) {
  const int channels = int(picture.size(0));
  const Axis x = make_axis(across, options.interpolation, options.antialias, 0, across.result);
  const Axis y = make_axis(down, options.interpolation, options.antialias, 0, down.result);
  const Passes passes = {.across = across.is_identity() ? nullptr : &x,
                         .down = down.is_identity() ? nullptr : &y,
                         .width = across.result,
                         .height = down.result,
                         .channels = channels};
  const Tensor result = empty_picture(channels, down.result, across.result);
  PictureRows rows(picture);
  int64_t at = passes.down == nullptr ? 0 : y.source_begin();
  const bool has_alpha = channels == 2 || channels == 4;
  std::vector<uint8_t> multiplied(has_alpha ? size_t(picture.size(2) * channels + kRowSlack) : 0);
  const auto next = [&]() -> const uint8_t* {
    const uint8_t* row = rows.row(at++);
    if (!has_alpha) return row;
    multiply_by_alpha(row, multiplied.data(), picture.size(2), channels);
    return multiplied.data();
  };
  const auto put = [&](int64_t out_y, const uint8_t* row) {
    if (has_alpha)
      divide_by_alpha(row, row_of(result, out_y), across.result, channels);
    else
      std::memcpy(row_of(result, out_y), row, size_t(across.result * channels));
  };
  resample(passes, next, put);
  return result;
}

void check_box(const Box& box, int64_t height, int64_t width) {
  const bool is_inside =
      box.left >= 0 && box.top >= 0 && box.right <= float(width) && box.bottom <= float(height);
  if (!is_inside || !(box.right > box.left) || !(box.bottom > box.top))
    fail("resize: the box from ({}, {}) to ({}, {}) is not a part of the picture of {} x {} pixels", box.left,
         box.top, box.right, box.bottom, width, height);
}

bool is_whole(float x) { return x == float(int64_t(x)); }

}  // namespace

Tensor resize(const Tensor& picture, Size size, const ResizeOptions& options) {
  check_picture("resize", picture);
  if (size.height < 1 || size.width < 1 || size.height > INT32_MAX || size.width > INT32_MAX)
    fail("resize: the size {} x {} is not one of a picture", size.height, size.width);
  const int64_t height = picture.size(1), width = picture.size(2);
  const Box whole = {0, 0, float(width), float(height)}, box = options.box.value_or(whole);
  check_box(box, height, width);
  const bool is_crop = is_whole(box.left) && is_whole(box.top) && box.right - box.left == float(size.width) &&
                       box.bottom - box.top == float(size.height);
  if (is_crop) return copy_of(window(picture, int64_t(box.top), int64_t(box.left), size.height, size.width));
  const Span down = {height, box.top, box.bottom, size.height};
  const Span across = {width, box.left, box.right, size.width};
  return options.interpolation == Interpolation::nearest ? nearest(picture, down, across)
                                                         : filtered(picture, down, across, options);
}

Size shorter_size(Size picture, int64_t size, int64_t max_size) {
  if (size < 1) fail("resize_shorter: the size {} is not positive", size);
  if (max_size != 0 && max_size <= size)
    fail("resize_shorter: max_size {} must be larger than the size {} of the shorter side", max_size, size);
  const bool is_wide = picture.width > picture.height;
  const int64_t shorter = is_wide ? picture.height : picture.width;
  const int64_t longer = is_wide ? picture.width : picture.height;
  int64_t new_short = size, new_long = saturate_cast(double(mul_sat(size, longer)) / double(shorter));
  if (max_size != 0 && new_long > max_size) {
    new_short = saturate_cast(double(mul_sat(max_size, new_short)) / double(new_long));
    new_long = max_size;
  }
  return is_wide ? Size{new_short, new_long} : Size{new_long, new_short};
}

Tensor resize_shorter(const Tensor& picture, int64_t size, const ResizeOptions& options, int64_t max_size) {
  check_picture("resize_shorter", picture);
  const Size present = {picture.size(1), picture.size(2)}, wanted = shorter_size(present, size, max_size);
  return wanted == present ? picture : resize(picture, wanted, options);
}

}  // namespace kiln::image
