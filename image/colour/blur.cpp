#include <kiln/image/colour/blur.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include <kiln/image/elements.h>
#include <kiln/image/move/pad.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

// Its values are float32, as torchvision's.
std::vector<float> gaussian(int64_t size, double sigma) {
  const float reach = float(size - 1) * 0.5f;
  std::vector<float> weights(static_cast<size_t>(size));
  double sum = 0;
  for (int64_t i = 0; i < size; ++i) {
    const float x = (float(i) - reach) / float(sigma);
    weights[size_t(i)] = std::exp(-0.5f * (x * x));
    sum += double(weights[size_t(i)]);
  }
  for (float& weight : weights) weight = float(double(weight) / sum);
  return weights;
}

double sigma_of(const char* axis, double sigma, int64_t size) {
  if (sigma == 0) return 0.3 * (double(size - 1) * 0.5 - 1) + 0.8;
  if (!(sigma > 0) || !std::isfinite(sigma))
    fail("gaussian_blur: sigma_{} must be positive, got {}", axis, sigma);
  return sigma;
}

// Which pixel stands where the window of `size` pixels around each place looks.
std::vector<int64_t> mirrored(int64_t length, int64_t size) {
  std::vector<int64_t> indices;
  for (int64_t i = -(size / 2); i < length + size / 2; ++i)
    indices.push_back(padded_index(i, length, PadMode::reflect));
  return indices;
}

template <class T>
T rounded(double value) {
  if constexpr (sizeof(T) == 1)
    return T(std::clamp(std::nearbyint(value), 0.0, 255.0));
  else
    return T(value);
}

// Along columns into a row of floats, then along it.
template <class T>
void blur_plane(const T* from, T* to, Pair size, const std::vector<float>& down,
                const std::vector<float>& along, const std::vector<int64_t>& rows,
                const std::vector<int64_t>& columns) {
  std::vector<double> sums(static_cast<size_t>(size.w)), wide(columns.size());
  for (int64_t i = 0; i < size.h; ++i) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (size_t k = 0; k < down.size(); ++k) {
      const T* row = from + rows[size_t(i) + k] * size.w;
      const double weight = double(down[k]);
      for (int64_t j = 0; j < size.w; ++j) sums[size_t(j)] += weight * double(row[j]);
    }
    for (size_t j = 0; j < columns.size(); ++j) wide[j] = sums[size_t(columns[j])];
    for (int64_t j = 0; j < size.w; ++j) {
      double sum = 0;
      for (size_t k = 0; k < along.size(); ++k) sum += double(along[k]) * wide[size_t(j) + k];
      to[i * size.w + j] = rounded<T>(sum);
    }
  }
}

}  // namespace

Tensor gaussian_blur(const Tensor& picture, Pair kernel, const BlurOptions& options) {
  check_pixels("gaussian_blur", picture);
  constexpr int64_t kMost = 4095;  // far beyond any use; the time grows with it
  for (const int64_t size : {kernel.h, kernel.w})
    if (size < 1 || size % 2 == 0 || size > kMost)
      fail("gaussian_blur: the kernel's height and width must be odd and at most {}, got {}x{}", kMost,
           kernel.h, kernel.w);
  const std::vector<float> down = gaussian(kernel.h, sigma_of("y", options.sigma_y, kernel.h));
  const std::vector<float> along = gaussian(kernel.w, sigma_of("x", options.sigma_x, kernel.w));
  const Tensor x = contiguous_copy(picture);
  const Pair size = size_of_picture(x);
  Tensor result = new_picture(x, x.shape()[0], size);
  if (x.numel() == 0) return result;
  const std::vector<int64_t> rows = mirrored(size.h, kernel.h), columns = mirrored(size.w, kernel.w);
  const auto blur_all = [&]<class T>(const T* from, T* to) {
    for (int64_t c = 0; c < x.shape()[0]; ++c, from += size.h * size.w, to += size.h * size.w)
      blur_plane(from, to, size, down, along, rows, columns);
  };
  if (x.dtype() == uint8)
    blur_all(x.data<uint8_t>(), result.data<uint8_t>());
  else
    blur_all(x.data<float>(), result.data<float>());
  return result;
}

Tensor erase(const Tensor& picture, const Window& window, const std::vector<float>& values) {
  check_planes("erase", picture);
  const std::vector<Wide> fill = fill_elements("erase", values, picture);
  constexpr int64_t kFar = int64_t(1) << 40;  // sums of places stay within int64
  const Pair size = size_of_picture(picture);
  const auto part = [&](int64_t start, int64_t length, int64_t whole) {
    const int64_t first = std::clamp(start, -kFar, kFar);
    const int64_t end = std::clamp<int64_t>(first + std::clamp<int64_t>(length, 0, kFar), 0, whole);
    return std::pair(std::clamp<int64_t>(first, 0, end), end);
  };
  const auto rows = part(window.top, window.height, size.h),
             columns = part(window.left, window.width, size.w);
  Tensor result = new_picture(picture, picture.shape()[0], size);
  copy_elements(picture, static_cast<char*>(result.raw_data()), result.strides());
  visit_size(picture.element_size(), [&]<class U>() {
    U* plane = static_cast<U*>(result.raw_data());
    for (size_t c = 0; c < fill.size(); ++c, plane += size.h * size.w) {
      U value;
      std::memcpy(&value, &fill[c], sizeof value);
      for (int64_t i = rows.first; i < rows.second; ++i)
        std::fill(plane + i * size.w + columns.first, plane + i * size.w + columns.second, value);
    }
  });
  return result;
}

}  // namespace kiln::image
