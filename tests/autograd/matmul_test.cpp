#include <doctest/doctest.h>

#include "support/check_op.h"

using namespace kiln;
using test::check_op;

namespace {

struct Row {
  std::vector<Shape> shapes;
};

// Row-major values with leading ones up to `rank`, and the offset of an index that broadcasts.
struct Operand {
  std::vector<double> values;
  Shape shape;
  double at(const Dims& index) const {
    int64_t offset = 0;
    for (int i = 0; i < shape.rank(); ++i) offset = offset * shape[i] + (shape[i] == 1 ? 0 : index[i]);
    return values[size_t(offset)];
  }
};

Operand lifted(const Tensor& x, Shape shape, int rank) {
  while (shape.rank() < rank) shape.insert(0, 1);
  return {x.to_vector<double>(), shape};
}

Tensor naive_matmul(const Tensors& in, const Row&) {
  Shape a_shape = in[0].shape(), b_shape = in[1].shape();
  const bool a_vector = a_shape.rank() == 1, b_vector = b_shape.rank() == 1;
  if (a_vector) a_shape.insert(0, 1);
  if (b_vector) b_shape.push_back(1);
  const int rank = std::max(a_shape.rank(), b_shape.rank());
  const Operand a = lifted(in[0], a_shape, rank), b = lifted(in[1], b_shape, rank);
  Shape shape = a.shape;
  for (int i = 0; i < rank - 2; ++i) shape[i] = a.shape[i] == 1 ? b.shape[i] : a.shape[i];
  shape[rank - 1] = b.shape[rank - 1];
  const int64_t count = numel(shape);
  std::vector<double> values;
  for (int64_t flat = 0; flat < count; ++flat) {
    Dims index = shape;
    int64_t rest = flat;
    for (int d = rank - 1; d >= 0; --d) {
      index[d] = rest % shape[d];
      rest /= shape[d];
    }
    double sum = 0;
    for (int64_t p = 0; p < a.shape[rank - 1]; ++p) {
      Dims i = index, j = index;
      i[rank - 1] = p;
      j[rank - 2] = p;
      sum += a.at(i) * b.at(j);
    }
    values.push_back(sum);
  }
  if (b_vector) shape.erase(rank - 1);
  if (a_vector) shape.erase(b_vector ? rank - 2 : rank - 2);
  return from_values(values, shape);
}

}  // namespace

TEST_CASE("matmul") {
  check_op<Row>({
      .name = "matmul",
      .op = [](const Tensors& in, const Row&) { return matmul(in[0], in[1]); },
      .reference = naive_matmul,
      .rows = {{{{3, 4}, {4, 5}}},
               {{{4}, {4}}},
               {{{3, 4}, {4}}},
               {{{4}, {4, 5}}},
               {{{2, 3, 4}, {4, 5}}},
               {{{3, 4}, {2, 4, 5}}},
               {{{2, 3, 4}, {2, 4, 5}}},
               {{{2, 1, 3, 4}, {3, 4, 2}}},
               {{{2, 3, 4}, {4}}},
               {{{4}, {2, 4, 5}}},
               {{{1, 1}, {1, 1}}},
               {{{0, 4}, {4, 5}}},
               {{{3, 0}, {0, 5}}},
               {{{2, 0, 3}, {3, 4}}},
               {{{17, 20}, {20, 19}}}},
      .errors = {{{{{3, 4}, {5, 6}}}, "matmul: a has 4 columns, b has 5 rows (a [3,4], b [5,6])"},
                 {{{{}, {5}}}, "matmul: both operands need at least one dimension"},
                 {{{{2, 3, 4}, {3, 4, 5}}}, "matmul"}},
  });
}

TEST_CASE("matmul multiplies integers and refuses mixed types") {
  CHECK(equal(matmul(tensor({{1, 2}, {3, 4}}), tensor({{1, 0}, {0, 2}})), tensor({{1, 4}, {3, 8}})));
  test::expect_error("matmul: a is int64, b is float32", [] { matmul(tensor({1, 2}), tensor({1.f, 2.f})); });
  test::expect_error("bool", [] { matmul(tensor({true}), tensor({true})); });
}
