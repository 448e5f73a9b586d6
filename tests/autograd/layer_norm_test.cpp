#include <doctest/doctest.h>

#include <cmath>

#include "support/check_op.h"

using namespace kiln;
using test::check_op;

namespace {

struct Row {
  std::vector<Shape> shapes;  // x, and perhaps weight and bias
  Shape normalized;
};

Tensor run(const Tensors& in, const Row& row) {
  return in.size() > 1 ? layer_norm(in[0], row.normalized, in[1], in[2]) : layer_norm(in[0], row.normalized);
}

Tensor naive(const Tensors& in, const Row& row) {
  const size_t size = size_t(numel(row.normalized));
  std::vector<double> x = in[0].to_vector<double>(), y(x.size());
  for (size_t row_begin = 0; row_begin < x.size(); row_begin += size) {
    double mean = 0, var = 0;
    for (size_t i = 0; i < size; ++i) mean += x[row_begin + i] / double(size);
    for (size_t i = 0; i < size; ++i) var += std::pow(x[row_begin + i] - mean, 2) / double(size);
    for (size_t i = 0; i < size; ++i) {
      y[row_begin + i] = (x[row_begin + i] - mean) / std::sqrt(var + 1e-5);
      if (in.size() > 1)
        y[row_begin + i] = y[row_begin + i] * in[1].to_vector<double>()[i] + in[2].to_vector<double>()[i];
    }
  }
  return from_values(y, in[0].shape());
}

}  // namespace

TEST_CASE("layer_norm") {
  check_op<Row>({
      .name = "layer_norm",
      .op = run,
      .reference = naive,
      .rows = {{{{4, 6}, {6}, {6}}, {6}},
               {{{4, 6}}, {6}},
               {{{2, 3, 4}, {3, 4}, {3, 4}}, {3, 4}},
               {{{2, 3, 4, 5}, {5}, {5}}, {5}},
               {{{5}, {5}, {5}}, {5}},
               {{{0, 5}, {5}, {5}}, {5}},
               {{{3, 70}, {70}, {70}}, {70}}},
      .tolerance = 2,  // rounded inputs shift the statistics too
  });
}

TEST_CASE("layer_norm refuses shapes that do not fit") {
  test::expect_error("layer_norm: the last dimensions of x [2,3] must be [4]", [] {
    layer_norm(zeros({2, 3}), {4});
  });
  test::expect_error("layer_norm: weight must be [3], got [2]", [] {
    layer_norm(zeros({2, 3}), {3}, ones({2}));
  });
  test::expect_error("layer_norm: needs floating-point numbers, x is int64", [] {
    layer_norm(zeros({2, 3}, {.dtype = int64}), {3});
  });
}
