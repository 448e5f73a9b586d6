#include <kiln/image/move/warp.h>

#include <algorithm>
#include <cstring>

#include <kiln/image/elements.h>
#include <kiln/image/move/alpha.h>
#include <kiln/image/move/sample.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

bool is_affine(const Projection& p) { return p.m[6] == 0 && p.m[7] == 0 && p.m[8] == 1; }

// Calls visit(row, column, x, y) for each pixel of the result whose middle comes from (x, y) inside the
// picture.
template <class Visit>
void for_each_inside(const Projection& back, Pair from, Pair to, Visit&& visit) {
  const auto& a = back.m;
  const bool flat = is_affine(back);
  const double height = double(from.h), width = double(from.w);
  for (int64_t i = 0; i < to.h; ++i) {
    const double v = double(i) + 0.5;
    for (int64_t j = 0; j < to.w; ++j) {
      const double u = double(j) + 0.5;
      double x = a[0] * u + a[1] * v + a[2], y = a[3] * u + a[4] * v + a[5];
      if (!flat) {
        const double z = a[6] * u + a[7] * v + a[8];
        x /= z;
        y /= z;
      }
      if (x >= 0 && x < width && y >= 0 && y < height) visit(i, j, x, y);
    }
  }
}

// The same for nearest pixels of an affine map. Pillow's places are sums along a row and column, in fixed
// point where 16 bits hold them: other roundings than a product's, which show on straight edges.
template <class Visit>
void for_each_nearest(const Projection& back, Pair from, Pair to, Visit&& visit) {
  const auto& a = back.m;
  const auto is_small = [&](double x, double y) {
    return std::abs(x * a[0] + y * a[1] + a[2]) < 32768 && std::abs(x * a[3] + y * a[4] + a[5]) < 32768;
  };
  const bool scales = a[1] == 0 && a[3] == 0;
  const double h = double(to.h), w = double(to.w);
  if (!scales && is_small(0, 0) && is_small(w, h) && is_small(0, h) && is_small(w, 0)) {
    const auto fixed = [](double value) { return floor_index(value * 65536 + 0.5); };
    const int64_t along[2] = {fixed(a[0]), fixed(a[3])}, down[2] = {fixed(a[1]), fixed(a[4])};
    int64_t start[2] = {fixed(a[2] + a[0] * 0.5 + a[1] * 0.5), fixed(a[5] + a[3] * 0.5 + a[4] * 0.5)};
    for (int64_t i = 0; i < to.h; ++i) {
      int64_t x = start[0], y = start[1];
      for (int64_t j = 0; j < to.w; ++j) {
        const int64_t column = x >> 16, row = y >> 16;
        if (column >= 0 && column < from.w && row >= 0 && row < from.h) visit(i, j, row, column);
        x += along[0];
        y += along[1];
      }
      start[0] += down[0];
      start[1] += down[1];
    }
    return;
  }
  double left = a[2] + (scales ? a[0] * 0.5 : a[1] * 0.5 + a[0] * 0.5);
  double top = a[5] + (scales ? a[4] * 0.5 : a[4] * 0.5 + a[3] * 0.5);
  for (int64_t i = 0; i < to.h; ++i) {
    double x = left, y = top;
    for (int64_t j = 0; j < to.w; ++j) {
      if (x >= 0 && x < double(from.w) && y >= 0 && y < double(from.h)) visit(i, j, int64_t(y), int64_t(x));
      x += a[0];
      y += a[3];
    }
    left += a[1];
    top += a[4];
  }
}

Tensor filled(const Tensor& picture, Pair size, const std::vector<Wide>& fill) {
  Tensor result = new_picture(picture, picture.shape()[0], size);
  visit_size(size_of(picture.dtype()), [&]<class U>() {
    U* to = static_cast<U*>(result.raw_data());
    for (const Wide& element : fill) {
      U value;
      std::memcpy(&value, &element, sizeof value);
      std::fill_n(to, size.h * size.w, value);
      to += size.h * size.w;
    }
  });
  return result;
}

void warp_nearest(const Tensor& picture, const Projection& back, const Tensor& result) {
  const Pair from = size_of_picture(picture), to = size_of_picture(result);
  const Strides& in = picture.strides();
  visit_size(size_of(picture.dtype()), [&]<class U>() {
    const U* source = static_cast<const U*>(picture.raw_data());
    U* out = static_cast<U*>(result.raw_data());
    const auto copy = [&](int64_t i, int64_t j, int64_t row, int64_t column) {
      for (int64_t c = 0; c < picture.shape()[0]; ++c)
        out[(c * to.h + i) * to.w + j] = source[c * in[0] + row * in[1] + column * in[2]];
    };
    if (is_affine(back)) return for_each_nearest(back, from, to, copy);
    for_each_inside(back, from, to,
                    [&](int64_t i, int64_t j, double x, double y) { copy(i, j, int64_t(y), int64_t(x)); });
  });
}

template <class Kernel, class T>
void warp_smooth(const Tensor& picture, const Projection& back, const Tensor& result) {
  const Pair from = size_of_picture(picture), to = size_of_picture(result);
  const T* source = picture.data<T>();
  T* out = result.data<T>();
  for_each_inside(back, from, to, [&](int64_t i, int64_t j, double x, double y) {
    const Neighbourhood<Kernel::kTaps> near(x, y, from.h, from.w);
    for (int64_t c = 0; c < picture.shape()[0]; ++c)
      out[(c * to.h + i) * to.w + j] =
          pixel_of<T>(sample<Kernel>(source + c * from.h * from.w, from.w, near));
  });
}

template <class T>
void warp_smooth(const Tensor& picture, const Projection& back, Interpolation how, const Tensor& result) {
  if (how == Interpolation::bilinear) return warp_smooth<Bilinear, T>(picture, back, result);
  warp_smooth<Bicubic, T>(picture, back, result);
}

Tensor warp_as(const char* op, const Tensor& picture, const Projection& back, Pair size,
               const WarpOptions& options) {
  check_planes(op, picture);
  check_size(op, size);
  if (options.interpolation == Interpolation::lanczos)
    fail("{}: lanczos only resizes; use nearest, bilinear or bicubic", op);
  const bool nearest = options.interpolation == Interpolation::nearest;
  if (!nearest) check_pixels(op, picture);
  const Tensor result = filled(picture, size, fill_elements(op, options.fill, picture));
  if (picture.numel() == 0) return result;
  if (nearest) {
    warp_nearest(picture, back, result);
    return result;
  }
  const Tensor source = contiguous_copy(picture);
  if (picture.dtype() == float32) {
    warp_smooth<float>(source, back, options.interpolation, result);
    return result;
  }
  const bool alpha = has_alpha(source);
  warp_smooth<uint8_t>(alpha ? premultiplied(source) : source, back, options.interpolation, result);
  return alpha ? unpremultiplied(result) : result;
}

Point middle(Pair size) { return {double(size.w) * 0.5, double(size.h) * 0.5}; }

}  // namespace

Tensor warp(const Tensor& picture, const Projection& back, Pair size, const WarpOptions& options) {
  return warp_as("warp", picture, back, size, options);
}

Tensor affine(const Tensor& picture, const AffineParameters& parameters, const AffineOptions& options) {
  check_planes("affine", picture);
  const Pair size = size_of_picture(picture);
  return warp_as("affine", picture, inverse_affine(parameters, options.center.value_or(middle(size))), size,
                 {options.interpolation, options.fill});
}

Tensor perspective(const Tensor& picture, const std::array<Point, 4>& start, const std::array<Point, 4>& end,
                   const WarpOptions& options) {
  check_planes("perspective", picture);
  return warp_as("perspective", picture, perspective_of(end, start), size_of_picture(picture), options);
}

}  // namespace kiln::image
