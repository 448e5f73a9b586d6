#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "support/check_op.h"

using namespace kiln;
using kiln::test::check_op;

namespace {

struct Row {
  std::vector<Shape> shapes;
  int dim;
};

Tensor naive_softmax(const Tensor& x, int dim, bool log) {
  std::vector<double> y = x.to_vector<double>();
  dim = x.dim() > 0 && dim < 0 ? dim + x.dim() : dim;
  const int64_t size = x.dim() == 0 ? 1 : x.size(dim);
  int64_t inner = 1;
  for (int d = dim + 1; d < x.dim(); ++d) inner *= x.size(d);
  double* p = y.data();
  for (int64_t line = 0; size > 0 && line < x.numel() / size; ++line) {
    double* first = p + line / inner * size * inner + line % inner;
    double total = 0;
    for (int64_t i = 0; i < size; ++i) total += std::exp(first[i * inner]);
    for (int64_t i = 0; i < size; ++i)
      first[i * inner] = log ? first[i * inner] - std::log(total) : std::exp(first[i * inner]) / total;
  }
  return from_values(y, x.shape());
}

const std::vector<Row> kRows = {{{{4, 10}}, 1},      {{{4, 10}}, -2}, {{{2, 3, 5}}, 1},
                                {{{7}}, 0},          {{{3, 0}}, 1},   {{{}}, 0},
                                {{{2, 3, 4, 2}}, 1}, {{{3, 1}}, 1},   {{{2, 3, 70}}, 1}};

}  // namespace

TEST_CASE("softmax") {
  check_op<Row>({
      .name = "softmax",
      .op = [](const Tensors& in, const Row& row) { return softmax(in[0], row.dim); },
      .reference = [](const Tensors& in, const Row& row) { return naive_softmax(in[0], row.dim, false); },
      .rows = kRows,
  });
  CHECK(softmax(tensor({1000.f, 1000.f}), 0).to_vector<double>() == std::vector<double>{0.5, 0.5});
  CHECK(softmax(tensor({-INFINITY, 0.f}), 0).to_vector<double>() == std::vector<double>{0, 1});
  CHECK(std::isnan(softmax(tensor({NAN, 0.f}), 0).to_vector<double>()[1]));
  CHECK(std::isnan(softmax(tensor({-INFINITY, -INFINITY}), 0).to_vector<double>()[0]));
  test::expect_error("softmax: dim 2 is out of range for a tensor of rank 2 (use -2 .. 1)", [] {
    softmax(zeros({4, 10}), 2);
  });
  CHECK_THROWS_AS(softmax(tensor({1, 2}), 0), Error);
  CHECK_THROWS_AS(softmax(Tensor(), 0), Error);
}

TEST_CASE("log_softmax") {
  check_op<Row>({
      .name = "log_softmax",
      .op = [](const Tensors& in, const Row& row) { return log_softmax(in[0], row.dim); },
      .reference = [](const Tensors& in, const Row& row) { return naive_softmax(in[0], row.dim, true); },
      .rows = kRows,
  });
  CHECK(log_softmax(tensor({1000.f, 0.f}), 0).to_vector<double>() == std::vector<double>{0, -1000});
}

TEST_CASE("softmax of long rows and many columns") {
  const TensorOptions options{.dtype = float64};
  for (const auto& [shape, dim] :
       {std::pair{Shape{2, 100003}, 1}, {Shape{50, 3000}, 0}, {Shape{300, 1000}, 1}}) {
    const Tensor x = rand(shape, options);
    test::expect_close(softmax(x, dim), naive_softmax(x, dim, false), 1e-12, 0, to_string(shape));
    test::expect_close(to(softmax(to(x, float32), dim), float64), naive_softmax(x, dim, false), 1e-5, 0,
                       to_string(shape));
  }
}
