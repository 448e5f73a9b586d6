#include <kiln/image/elements.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::image {
namespace {

constexpr int64_t kMostPixels = int64_t(1) << 40;  // products with channels and bytes stay within int64

template <class T>
T fill_of(const char* op, float value) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    const double whole = std::trunc(double(value));
    if (!(whole >= double(std::numeric_limits<T>::min()) && whole <= double(std::numeric_limits<T>::max())))
      fail("{}: {} is no value of a {} picture, which holds {} .. {}; change fill", op, value,
           sizeof(T) == 1 ? "byte" : "integer", int64_t(std::numeric_limits<T>::min()),
           int64_t(std::numeric_limits<T>::max()));
    return T(whole);
  } else {
    return T(value);
  }
}

// Pictures, most of which come from a decoder with the channels of a pixel side by side.
void copy_planes(const Tensor& x, const Tensor& to) {
  const Shape& shape = x.shape();
  const Strides& in = x.strides();
  visit_size(size_of(x.dtype()), [&]<class U>() {
    U* out = static_cast<U*>(to.raw_data());
    for (int64_t c = 0; c < shape[0]; ++c)
      for (int64_t i = 0; i < shape[1]; ++i) {
        const U* row = static_cast<const U*>(x.raw_data()) + c * in[0] + i * in[1];
        for (int64_t j = 0; j < shape[2]; ++j) *out++ = row[j * in[2]];
      }
  });
}

// How many of the indices from `begin` go up by one each.
size_t run_length(std::span<const int64_t> indices, size_t begin) {
  size_t end = begin + 1;
  while (end < indices.size() && indices[end] == indices[end - 1] + 1) ++end;
  return end - begin;
}

template <class U>
void take_row(const U* from, int64_t stride, std::span<const int64_t> columns, const U& fill, U* to) {
  for (size_t j = 0; j < columns.size();) {
    if (columns[j] < 0) {
      to[j++] = fill;
      continue;
    }
    const size_t run = run_length(columns, j);
    if (stride == 1)
      std::memcpy(to + j, from + columns[j], run * sizeof(U));
    else
      for (size_t k = 0; k < run; ++k) to[j + k] = from[(columns[j] + int64_t(k)) * stride];
    j += run;
  }
}

// Runs of one are slow: where each index is one less than that before.
bool goes_down(std::span<const int64_t> columns) {
  if (columns.size() < 2 || columns.back() < 0) return false;
  for (size_t j = 1; j < columns.size(); ++j)
    if (columns[j] != columns[j - 1] - 1) return false;
  return true;
}

template <class U>
void take_plane(const U* plane, const Strides& strides, std::span<const int64_t> rows,
                std::span<const int64_t> columns, const U& fill, U* to) {
  const bool down = goes_down(columns);
  for (const int64_t row : rows) {
    const U* from = plane + row * strides[1];
    if (row < 0)
      std::fill_n(to, columns.size(), fill);
    else if (down)
      for (size_t j = 0; j < columns.size(); ++j) to[j] = from[(columns[0] - int64_t(j)) * strides[2]];
    else
      take_row(from, strides[2], columns, fill, to);
    to += columns.size();
  }
}

}  // namespace

void copy_elements(const Tensor& x, char* out, const Strides& out_strides) {
  if (x.numel() == 0) return;
  if (x.is_contiguous() && out_strides == contiguous_strides(x.shape())) {
    std::memcpy(out, x.raw_data(), size_t(x.numel() * size_of(x.dtype())));
    return;
  }
  visit_size(size_of(x.dtype()), [&]<class U>() {
    const U* from = static_cast<const U*>(x.raw_data());
    U* to = reinterpret_cast<U*>(out);
    Dims index = Dims::filled(x.dim(), 0);
    int64_t at = 0, n = x.numel();
    for_each_offset(x.layout(), [&](int64_t offset) {
      to[at] = from[offset];
      if (--n == 0) return;
      for (int d = x.dim() - 1; d >= 0; --d) {
        at += out_strides[d];
        if (++index[d] < x.shape()[d]) break;
        at -= out_strides[d] * x.shape()[d];
        index[d] = 0;
      }
    });
  });
}

Tensor contiguous_copy(const Tensor& x) {
  if (x.is_contiguous()) return x;
  Tensor y = empty(x.shape(), {.dtype = x.dtype(), .device = cpu});
  if (x.dim() == 3)
    copy_planes(x, y);
  else
    copy_elements(x, static_cast<char*>(y.raw_data()), y.strides());
  return y;
}

void check_planes(const char* op, const Tensor& picture) {
  if (!picture.defined() || picture.dim() != 3 || !picture.device().is_cpu())
    fail("{}: needs a picture [channels,height,width] on the CPU, got {}", op,
         picture.defined() ? to_string(picture.shape()) : "an undefined tensor");
}

void check_pixels(const char* op, const Tensor& picture, bool floats) {
  check_planes(op, picture);
  if (picture.dtype() == uint8 || (floats && picture.dtype() == float32)) return;
  fail("{}: needs a uint8{} picture, got {}", op, floats ? " or float32" : "", picture.dtype());
}

void check_size(const char* op, Pair size) {
  if (size.h < 0 || size.w < 0 || (size.w > 0 && size.h > kMostPixels / size.w))
    fail("{}: a picture of {}x{} pixels is not possible", op, size.h, size.w);
}

Tensor new_picture(const Tensor& like, int64_t channels, Pair size) {
  return empty({channels, size.h, size.w}, {.dtype = like.dtype(), .device = cpu});
}

std::vector<Wide> fill_elements(const char* op, const std::vector<float>& fill, const Tensor& picture) {
  const size_t channels = size_t(picture.shape()[0]);
  if (fill.size() != 1 && fill.size() != channels)
    fail("{}: fill has {} values, a picture {} needs 1 or {}", op, fill.size(), picture.shape(), channels);
  std::vector<Wide> elements(channels, Wide{});
  visit_element(picture.dtype(), op, [&]<class T>() {
    for (size_t c = 0; c < channels; ++c) {
      const T value = fill_of<T>(op, fill[fill.size() == 1 ? 0 : c]);
      std::memcpy(&elements[c], &value, sizeof value);
    }
  });
  return elements;
}

Tensor take(const Tensor& picture, std::span<const int64_t> rows, std::span<const int64_t> columns,
            std::span<const Wide> fill) {
  const Pair size(int64_t(rows.size()), int64_t(columns.size()));
  Tensor result = new_picture(picture, picture.shape()[0], size);
  visit_size(size_of(picture.dtype()), [&]<class U>() {
    for (int64_t c = 0; c < picture.shape()[0]; ++c) {
      U filled = {};
      if (!fill.empty()) std::memcpy(&filled, &fill[size_t(c)], sizeof filled);
      take_plane(static_cast<const U*>(picture.raw_data()) + c * picture.strides()[0], picture.strides(),
                 rows, columns, filled, static_cast<U*>(result.raw_data()) + c * size.h * size.w);
    }
  });
  return result;
}

}  // namespace kiln::image
