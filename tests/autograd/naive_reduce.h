#pragma once

#include <algorithm>
#include <vector>

#include <kiln/kiln.h>

namespace kiln::test {

struct ReduceRow {
  std::vector<Shape> shapes;
  Dims dims;
  bool keepdim = false;
};

inline const std::vector<ReduceRow> kReduceRows = {
    {{{}}, {}},
    {{{7}}, {0}},
    {{{4, 10}}, {}},
    {{{4, 10}}, {1}},
    {{{4, 10}}, {0}},
    {{{4, 10}}, {-1}, true},
    {{{2, 3, 2, 5}}, {0, 2, 3}},
    {{{2, 3, 2, 5}}, {1}, true},
    {{{2, 3, 5}}, {1}},
    {{{2, 3, 5}}, {2, 0}},
    {{{3, 1, 2}}, {1}},
};

// f(values) of each set of elements of x that differ in the reduced dims only; float64.
template <class F>
Tensor naive_reduce(const Tensor& x, const ReduceRow& row, F f) {
  std::vector<bool> reduced(size_t(x.dim()), row.dims.empty());
  if (x.dim() > 0)
    for (const int64_t d : row.dims) reduced[size_t(d < 0 ? d + x.dim() : d)] = true;
  Shape shape, y_shape;
  for (int d = 0; d < x.dim(); ++d) {
    shape.push_back(reduced[size_t(d)] ? 1 : x.size(d));
    if (!reduced[size_t(d)] || row.keepdim) y_shape.push_back(shape[d]);
  }
  const std::vector<double> values = x.to_vector<double>();
  std::vector<std::vector<double>> sets(size_t(numel(shape)));
  for (size_t i = 0; i < values.size(); ++i) {
    int64_t rest = int64_t(i), at = 0, stride = 1;
    for (int d = x.dim() - 1; d >= 0; --d) {
      if (!reduced[size_t(d)]) at += rest % x.size(d) * stride;
      rest /= x.size(d);
      stride *= shape[d];
    }
    sets[size_t(at)].push_back(values[i]);
  }
  std::vector<double> y;
  for (const auto& set : sets) y.push_back(f(set));
  return from_values(y, y_shape);
}

}  // namespace kiln::test
