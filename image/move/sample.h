#pragma once

// Internal: the value of a plane of pixels between its pixels, as Pillow computes it.

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace kiln::image {

// Rounds down, for values inside int64.
inline int64_t floor_index(double value) { return value < 0 ? int64_t(std::floor(value)) : int64_t(value); }

// The part of the pixel's value that the type keeps.
template <class T>
T pixel_of(double value) {
  if constexpr (sizeof(T) == 1) return T(std::clamp(value, 0.0, 255.0));
  return T(value);
}

// A place in a picture of height x width: which pixels lie around it, and how far it is from them. Neighbours
// in a row are repeated at the edge; a row that is missing is the one before it.
template <int kTaps>
struct Neighbourhood {
  int64_t columns[kTaps];
  int64_t rows[kTaps];
  double dx, dy;

  Neighbourhood(double x, double y, int64_t height, int64_t width) {
    const int64_t left = floor_index(x - 0.5), top = floor_index(y - 0.5);
    dx = x - 0.5 - double(left);
    dy = y - 0.5 - double(top);
    constexpr int kBefore = kTaps / 2 - 1;
    for (int k = 0; k < kTaps; ++k) {
      columns[k] = std::clamp<int64_t>(left + k - kBefore, 0, width - 1);
      const int64_t row = top + k - kBefore;
      rows[k] = k == 0                     ? std::clamp<int64_t>(row, 0, height - 1)
                : row >= 0 && row < height ? row
                                           : rows[k - 1];
    }
  }
};

struct Bilinear {
  static constexpr int kTaps = 2;
  // Between two values of pixels, whose difference is exact or rounded to T as in Pillow, or of rows.
  template <class A>
  static double between(const A (&v)[2], double d) {
    return double(v[0]) + double(v[1] - v[0]) * d;
  }
};

// The cubic through four values with a = -1.
struct Bicubic {
  static constexpr int kTaps = 4;
  template <class A>
  static double between(const A (&v)[4], double d) {
    const double p2 = double(-v[0] + v[2]);
    const double p3 = double(2 * (v[0] - v[1]) + v[2] - v[3]);
    const double p4 = double(-v[0] + v[1] - v[2] + v[3]);
    return double(v[1]) + d * (p2 + d * (p3 + d * p4));
  }
};

template <class Kernel, class T>
double sample(const T* plane, int64_t width, const Neighbourhood<Kernel::kTaps>& near) {
  using Value = std::conditional_t<sizeof(T) == 1, int, T>;
  double rows[Kernel::kTaps];
  for (int r = 0; r < Kernel::kTaps; ++r) {
    if (r > 0 && near.rows[r] == near.rows[r - 1]) {
      rows[r] = rows[r - 1];
      continue;
    }
    const T* row = plane + near.rows[r] * width;
    Value values[Kernel::kTaps];
    for (int k = 0; k < Kernel::kTaps; ++k) values[k] = Value(row[near.columns[k]]);
    rows[r] = Kernel::between(values, near.dx);
  }
  return Kernel::between(rows, near.dy);
}

}  // namespace kiln::image
