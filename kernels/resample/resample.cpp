#include <kiln/kernels/resample/resample.h>

#include <algorithm>
#include <cmath>

namespace kiln::kernels {
namespace {

using Row = ResampleTable::Row;

// Adds a weight to a row whose first element is known; positions beyond the ends count as the ends.
template <class T>
void add(Row& row, int64_t at, int64_t in, T weight) {
  const size_t k = size_t(std::clamp<int64_t>(at, 0, in - 1) - row.begin);
  if (row.weights.size() <= k) row.weights.resize(k + 1, 0);
  row.weights[k] = double(T(row.weights[k]) + weight);
}

// The piecewise cubic through points at distance 1 (Keys, "Cubic convolution interpolation", 1981).
template <class T>
T cubic(T x, T a) {
  x = std::abs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : T(0);
}

template <class T>
Row nearest(int64_t i, int64_t in, T scale, T offset) {
  return {int32_t(std::min(int64_t(std::floor((T(i) + offset) * scale)), in - 1)), {1}};
}

template <class T>
Row linear(int64_t i, int64_t in, T scale, bool align_corners) {
  const T at = align_corners ? scale * T(i) : std::max(T(0), scale * (T(i) + T(0.5)) - T(0.5));
  const auto first = std::min(int64_t(at), in - 1);
  const T share = std::clamp(at - T(first), T(0), T(1));
  Row row{int32_t(first), {}};
  add(row, first, in, 1 - share);
  add(row, first + 1, in, share);
  return row;
}

template <class T>
Row four(int64_t i, int64_t in, T scale, bool align_corners) {
  const T at = align_corners ? scale * T(i) : scale * (T(i) + T(0.5)) - T(0.5);
  const auto middle = int64_t(std::floor(at));
  const T share = at - T(middle), a = T(-0.75);
  Row row{int32_t(std::clamp<int64_t>(middle - 1, 0, in - 1)), {}};
  for (int64_t k = -1; k <= 2; ++k) add(row, middle + k, in, cubic(share - T(k), a));
  return row;
}

// The filter as wide as what one result stands for: fewer results do not step over elements.
template <class T>
Row filtered(int64_t i, int64_t in, T scale, bool is_cubic) {
  const T half = is_cubic ? 2 : 1, reach = scale >= 1 ? half * scale : half, centre = scale * (T(i) + T(0.5)),
          narrowing = scale >= 1 ? 1 / scale : T(1);
  const int64_t begin = std::max<int64_t>(int64_t(centre - reach + T(0.5)), 0),
                end = std::min<int64_t>(int64_t(centre + reach + T(0.5)), in);
  Row row{int32_t(begin), {}};
  T total = 0;
  for (int64_t k = begin; k < end; ++k) {
    const T x = (T(k) - centre + T(0.5)) * narrowing;
    const T weight = is_cubic ? cubic(x, T(-0.5)) : std::max(T(0), 1 - std::abs(x));
    row.weights.push_back(double(weight));
    total += weight;
  }
  if (total != 0)
    for (double& weight : row.weights) weight = double(T(weight) / total);
  return row;
}

template <class T>
Row row_of(InterpolateMode mode, int64_t i, int64_t in, T scale, bool align_corners, bool antialias) {
  if (mode == InterpolateMode::nearest) return nearest(i, in, float(scale), 0.0f);
  if (mode == InterpolateMode::nearest_exact) return nearest(i, in, float(scale), 0.5f);
  const bool is_cubic = mode == InterpolateMode::bicubic;
  if (antialias) return filtered(i, in, scale, is_cubic);
  return is_cubic ? four(i, in, scale, align_corners) : linear(i, in, scale, align_corners);
}

}  // namespace

double resample_scale(int64_t in, int64_t out, bool align_corners) {
  if (!align_corners) return double(in) / double(out);
  return out > 1 ? double(in - 1) / double(out - 1) : 0;
}

ResampleTable ResampleTable::of(InterpolateMode mode, int64_t in, int64_t out, double scale,
                                bool align_corners, bool antialias, bool wide) {
  ResampleTable table{in, out, {}};
  table.rows.reserve(size_t(out));
  for (int64_t i = 0; i < out; ++i)
    table.rows.push_back(wide ? row_of(mode, i, in, scale, align_corners, antialias)
                              : row_of(mode, i, in, float(scale), align_corners, antialias));
  return table;
}

ResampleTable ResampleTable::transposed() const {
  ResampleTable table{out, in, std::vector<Row>(size_t(in))};
  for (int64_t i = 0; i < out; ++i) {
    const Row& row = rows[size_t(i)];
    for (size_t k = 0; k < row.weights.size(); ++k) {
      Row& to = table.rows[size_t(row.begin) + k];
      if (to.weights.empty()) to.begin = int32_t(i);
      to.weights.resize(size_t(i - to.begin), 0);
      to.weights.push_back(row.weights[k]);
    }
  }
  return table;
}

int64_t ResampleTable::taps() const {
  size_t most = 1;
  for (const Row& row : rows) most = std::max(most, row.weights.size());
  return int64_t(most);
}

}  // namespace kiln::kernels
