#include <doctest/doctest.h>

#include "support/check_op.h"

using namespace kiln;
using test::check_op;

namespace {

struct Row {
  std::vector<Shape> shapes;  // x, weight and perhaps bias
};

Tensor naive_linear(const Tensors& in, const Row&) {
  const std::vector<double> x = in[0].to_vector<double>(), w = in[1].to_vector<double>();
  const int64_t outputs = in[1].shape()[0], inputs = in[1].shape()[1];
  Shape shape = in[0].shape();
  shape[shape.rank() - 1] = outputs;
  std::vector<double> y(size_t(numel(shape)));
  for (size_t i = 0; i < y.size(); ++i) {
    const size_t row = i / size_t(outputs), column = i % size_t(outputs);
    if (in.size() > 2) y[i] = in[2].to_vector<double>()[column];
    for (size_t p = 0; p < size_t(inputs); ++p)
      y[i] += x[row * size_t(inputs) + p] * w[column * size_t(inputs) + p];
  }
  return from_values(y, shape);
}

}  // namespace

TEST_CASE("linear") {
  check_op<Row>({
      .name = "linear",
      .op = [](const Tensors& in,
               const Row&) { return linear(in[0], in[1], in.size() > 2 ? in[2] : Tensor()); },
      .reference = naive_linear,
      .rows = {{{{15, 1}, {3, 1}, {3}}},
               {{{15, 3}, {1, 3}, {1}}},
               {{{5, 4}, {3, 4}}},
               {{{4}, {3, 4}, {3}}},
               {{{2, 3, 4}, {5, 4}, {5}}},
               {{{0, 4}, {3, 4}, {3}}},
               {{{2, 0}, {3, 0}, {3}}},
               {{{9, 20}, {24, 20}, {24}}}},
      .errors = {{{{{5, 4}, {3, 5}}}, "linear: weight expects 5 features, x has 4 (x [5,4], weight [3,5])"},
                 {{{{5, 4}, {3, 4}, {4}}}, "linear: bias must be [3] (weight [3,4]), got [4]"},
                 {{{{5, 4}, {4}}}, "linear: weight must be [out, in], got [4]"}},
  });
}
