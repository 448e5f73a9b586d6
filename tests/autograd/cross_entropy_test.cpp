#include <doctest/doctest.h>

#include <cmath>

#include "support/check_op.h"

using namespace kiln;
using kiln::test::check_op;

namespace {

struct Row {
  std::vector<Shape> shapes;
  bool weighted = false;
  double smoothing = 0;
  Reduction reduction = Reduction::mean;
};

int64_t classes_of(const Shape& shape) { return shape.rank() == 1 ? shape[0] : shape[1]; }

// Every fourth one is ignored (but never all).
Tensor targets_for(const Shape& shape) {
  Shape target_shape = shape;
  target_shape.erase(shape.rank() == 1 ? 0 : 1);
  std::vector<int64_t> values;
  for (int64_t i = 0; i < numel(target_shape); ++i)
    values.push_back(i % 4 == 3 ? -100 : i * 7 % classes_of(shape));
  return from_values(values, target_shape);
}

Tensor weights_for(const Row& row, DType dtype) {
  if (!row.weighted) return {};
  return add(arange(0, classes_of(row.shapes[0]), 1, {.dtype = dtype}), 0.5);
}

// What torch.nn.functional.cross_entropy documents, sample by sample.
Tensor naive(const Tensors& in, const Row& row) {
  const Tensor target = targets_for(row.shapes[0]);
  const int64_t classes = classes_of(in[0].shape());
  Tensor x = in[0].dim() == 1 ? in[0].unsqueeze(0) : in[0];
  x = x.transpose(1, -1);  // classes last; the other dims of a 4-D x change places, so does the target below
  Tensor t = in[0].dim() == 1 ? target.unsqueeze(0) : target;
  if (t.dim() > 2) t = t.transpose(1, -1);
  if (in[0].dim() == 4) {
    x = in[0].permute({0, 2, 3, 1});
    t = target;
  }
  const std::vector<double> scores = x.to_vector<double>();
  const std::vector<int64_t> at = t.to_vector<int64_t>();
  const Tensor weight = weights_for(row, float64);
  std::vector<double> losses;
  double total = 0, total_weight = 0;
  for (size_t i = 0; i < at.size(); ++i) {
    double exponentials = 0, loss = 0;
    const double* p = &scores[i * size_t(classes)];
    for (int64_t c = 0; c < classes; ++c) exponentials += std::exp(p[c]);
    const auto v = [&](int64_t c) { return row.weighted ? double(c) + 0.5 : 1; };
    if (at[i] != -100) {
      loss = (1 - row.smoothing) * v(at[i]) * (std::log(exponentials) - p[at[i]]);
      for (int64_t c = 0; c < classes; ++c)
        loss += row.smoothing / double(classes) * v(c) * (std::log(exponentials) - p[c]);
      total_weight += v(at[i]);
    }
    losses.push_back(loss);
    total += loss;
  }
  if (row.reduction == Reduction::none) return from_values(losses, target.shape());
  return full({}, row.reduction == Reduction::sum ? total : total / total_weight, {.dtype = float64});
}

CrossEntropyOptions options_for(const Row& row, const Tensor& x) {
  return {
      .weight = weights_for(row, x.dtype()), .label_smoothing = row.smoothing, .reduction = row.reduction};
}

std::vector<Row> all_rows() {
  std::vector<Row> rows;
  for (const Shape& shape : {Shape{5, 7}, Shape{6}, Shape{2, 5, 3}, Shape{2, 3, 2, 3}})
    for (const bool weighted : {false, true})
      for (const double smoothing : {0., 0.2})
        for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none})
          rows.push_back({{shape}, weighted, smoothing, reduction});
  rows.push_back({{{3, 1}}});
  return rows;
}

}  // namespace

TEST_CASE("cross_entropy of class indices") {
  check_op<Row>({
      .name = "cross_entropy",
      .op =
          [](const Tensors& in, const Row& row) {
            return cross_entropy(in[0], targets_for(row.shapes[0]), options_for(row, in[0]));
          },
      .reference = naive,
      .rows = all_rows(),
      .tolerance = 4,  // sums of rounded halves
  });
}

TEST_CASE("nll_loss of log_softmax is cross_entropy") {
  std::vector<Row> rows;
  for (const Row& row : all_rows())
    if (row.smoothing == 0) rows.push_back(row);
  check_op<Row>({
      .name = "nll_loss",
      .op =
          [](const Tensors& in, const Row& row) {
            return nll_loss(log_softmax(in[0], in[0].dim() == 1 ? 0 : 1), targets_for(row.shapes[0]),
                            {.weight = weights_for(row, in[0].dtype()), .reduction = row.reduction});
          },
      .reference = naive,
      .rows = rows,
      .tolerance = 8,  // the logarithms are rounded
  });
}

TEST_CASE("cross_entropy of class probabilities") {
  check_op<Row>({
      .name = "cross_entropy",
      .op =
          [](const Tensors& in, const Row& row) {
            return cross_entropy(in[0], softmax(in[1], in[1].dim() == 1 ? 0 : 1), options_for(row, in[0]));
          },
      .rows = {{{{4, 3}, {4, 3}}},
               {{{5}, {5}}, true, 0.1},
               {{{2, 3, 2}, {2, 3, 2}}, false, 0.3, Reduction::none}},
      .tolerance = 8,
  });
  // One-hot probabilities say what indices say.
  const Tensor x = rand({6, 4}), t = tensor({0, 3, 2, 2, 1, 0}), weight = tensor({1.f, 2.f, 3.f, 4.f});
  for (const double smoothing : {0., 0.4}) {
    const CrossEntropyOptions options{
        .weight = weight, .label_smoothing = smoothing, .reduction = Reduction::sum};
    CHECK(cross_entropy(x, one_hot(t, 4).to(float32), options).item<double>() ==
          doctest::Approx(cross_entropy(x, t, options).item<double>()));
  }
}

TEST_CASE("cross_entropy at the edges") {
  CHECK(cross_entropy(tensor({{1000.f, 0.f}}), tensor({1})).item<double>() == 1000);
  CHECK(cross_entropy(tensor({{1000.f, 0.f}}), tensor({0})).item<double>() == 0);
  CHECK(std::isnan(cross_entropy(zeros({2, 3}), tensor({-100, -100})).item<double>()));
  CHECK(cross_entropy(zeros({2, 3}), tensor({-100, -100}), {.reduction = Reduction::sum}).item<double>() ==
        0);
  CHECK(std::isnan(cross_entropy(zeros({0, 3}), zeros({0}, {.dtype = int64})).item<double>()));
  CHECK(cross_entropy(zeros({2, 3}), tensor({1, 2}), {.ignore_index = 2}).item<double>() ==
        doctest::Approx(std::log(3)));
  // An ignored row may hold anything.
  const Tensor x = tensor({{NAN, 1.f}, {0.f, 0.f}}).requires_grad_();
  cross_entropy(x, tensor({-100, 0})).backward();
  CHECK(x.grad().to_vector<double>() == std::vector<double>{0, 0, -0.5, 0.5});
}

TEST_CASE("cross_entropy refuses") {
  const Tensor x = zeros({2, 10});
  test::expect_error("cross_entropy: target 12 of sample 1 is not a class (use 0 .. 9)", [&] {
    cross_entropy(x, tensor({3, 12}));
  });
  test::expect_error("target -1 of sample 0 ", [&] { cross_entropy(x, tensor({-1, 2})); });
  test::expect_error("nll_loss: target 10 of sample 0 ", [&] { nll_loss(x, tensor({10, 2})); });
  test::expect_error("target 5 of sample 1 at [1,2]", [&] {
    cross_entropy(zeros({2, 3, 4}), tensor({{0, 1, 2, 0}, {1, 1, 5, 0}}));
  });
  test::expect_error("needs class indices of shape [2], target has [3]", [&] {
    cross_entropy(x, tensor({1, 2, 3}));
  });
  test::expect_error(
      "a float32 target holds class probabilities and needs x's shape [2,10], it has [2,9]; class indices "
      "are int64",
      [&] {
        cross_entropy(x, zeros({2, 9}));
      });
  test::expect_error("weight must hold a number for each of the 10 classes", [&] {
    cross_entropy(x, tensor({1, 2}), {.weight = zeros({9})});
  });
  test::expect_error("label_smoothing must be in 0 .. 1", [&] {
    cross_entropy(x, tensor({1, 2}), {.label_smoothing = 1.5});
  });
  test::expect_error("target must hold class indices", [&] { cross_entropy(x, tensor({true, false})); });
  test::expect_error("has no classes", [&] { cross_entropy(zeros({2, 0}), tensor({1, 2})); });
  CHECK_THROWS_AS(cross_entropy(tensor({{1, 2}}), tensor({1})), Error);
  CHECK_THROWS_AS(cross_entropy(tensor(1.f), tensor(0)), Error);
  CHECK_THROWS_AS(cross_entropy(x, Tensor()), Error);
}
