#include <doctest/doctest.h>

#include <cmath>
#include <optional>

#include "support/check_op.h"

using namespace kiln;
using kiln::test::check_op;

namespace {

struct Row {
  std::vector<Shape> shapes;
  Reduction reduction = Reduction::mean;
};

// f(x, t) for each pair of elements of equal shapes, reduced; float64.
template <class F>
Tensor pairwise(const Tensor& x, const Tensor& t, Reduction reduction, F f) {
  const std::vector<double> a = x.to_vector<double>(), b = t.to_vector<double>();
  std::vector<double> losses(a.size());
  double total = 0;
  for (size_t i = 0; i < a.size(); ++i) total += losses[i] = f(a[i], b[i]);
  if (reduction == Reduction::none) return from_values(losses, x.shape());
  return full({}, reduction == Reduction::sum ? total : total / double(a.size()), {.dtype = float64});
}

const std::vector<Row> kRows = {
    {{{15, 1}, {15, 1}}},
    {{{4, 5}, {4, 5}}, Reduction::sum},
    {{{2, 3, 2}, {2, 3, 2}}, Reduction::none},
    {{{}, {}}},
};

template <class Op, class F>
void check_pairwise(const char* name, Op op, F f, std::optional<double> low = {}) {
  check_op<Row>({
      .name = name,
      .op = [op](const Tensors& in, const Row& row) { return op(in[0], in[1], row.reduction); },
      .reference = [f](const Tensors& in,
                       const Row& row) { return pairwise(in[0], in[1], row.reduction, f); },
      .rows = kRows,
      .low = low.value_or(-2),
      .high = low ? 0.95 : 2,
      .tolerance = 8,  // differences of rounded halves
  });
}

}  // namespace

TEST_CASE("mse_loss") {
  check_pairwise(
      "mse_loss", [](const Tensor& x, const Tensor& t, Reduction r) { return mse_loss(x, t, r); },
      [](double x, double t) { return (x - t) * (x - t); });
  CHECK(mse_loss(tensor({{1.f}, {3.f}}), tensor({1.f, 2.f})).item<double>() == doctest::Approx(1.5));
  CHECK(mse_loss(tensor({1.f, 3.f}), tensor({1., 2.}).to(float64)).dtype() == float64);
  CHECK(std::isnan(mse_loss(zeros({0}), zeros({0})).item<double>()));
  CHECK(mse_loss(zeros({0}), zeros({0}), Reduction::sum).item<double>() == 0);
  const Tensor x = rand({300, 333}), t = rand({300, 333});
  CHECK(mse_loss(x, t).item<double>() ==
        doctest::Approx(mse_loss(x.to(float64), t.t().contiguous().t().to(float64)).item<double>()));
  CHECK_THROWS_AS(mse_loss(tensor({1, 2}), tensor({1, 2})), Error);
  CHECK_THROWS_AS(mse_loss(zeros({2}), zeros({3})), Error);
  CHECK_THROWS_AS(mse_loss(zeros({2}), Tensor()), Error);
}

TEST_CASE("l1_loss and smooth_l1_loss") {
  check_pairwise(
      "l1_loss", [](const Tensor& x, const Tensor& t, Reduction r) { return l1_loss(x, t, r); },
      [](double x, double t) { return std::abs(x - t); });
  for (const double beta : {1., 0.3, 0.})
    check_pairwise(
        "smooth_l1_loss",
        [beta](const Tensor& x, const Tensor& t, Reduction r) { return smooth_l1_loss(x, t, beta, r); },
        [beta](double x, double t) {
          const double d = std::abs(x - t);
          return d < beta ? d * d / (2 * beta) : d - beta / 2;
        });
  CHECK_THROWS_AS(smooth_l1_loss(zeros({2}), zeros({2}), -1), Error);
}

TEST_CASE("binary_cross_entropy") {
  const auto loss = [](double x, double t) { return -(t * std::log(x) + (1 - t) * std::log(1 - x)); };
  check_pairwise(
      "binary_cross_entropy",
      [](const Tensor& x, const Tensor& t, Reduction r) {
        return binary_cross_entropy(x, t, {.reduction = r});
      },
      loss, 0.05);
  // Logarithms are clamped at -100, gradients are finite (PyTorch: loss 100, gradient -1e12 and 0).
  const Tensor x = tensor({0., 1.}).to(float64).requires_grad_();
  const Tensor y = binary_cross_entropy(x, tensor({1., 1.}).to(float64), {.reduction = Reduction::sum});
  CHECK(y.item<double>() == 100);
  y.backward();
  CHECK(x.grad().to_vector<double>() == std::vector<double>{-1e12, 0});
  CHECK(binary_cross_entropy(tensor({0.5f, 0.5f}), tensor({1.f, 0.f}),
                             {.weight = tensor({2.f, 0.f}), .reduction = Reduction::sum})
            .item<double>() == doctest::Approx(2 * std::log(2)));
  test::expect_error("element 1 is 1.5", [] {
    binary_cross_entropy(tensor({0.5f, 1.5f}), tensor({1.f, 0.f}));
  });
  test::expect_error("element 0 is nan", [] { binary_cross_entropy(tensor({NAN}), tensor({1.f})); });
  CHECK_THROWS_AS(binary_cross_entropy(zeros({2}), zeros({2, 1})), Error);
}

TEST_CASE("binary_cross_entropy_with_logits") {
  const auto loss = [](double x, double t) { return std::log1p(std::exp(-x)) + (1 - t) * x; };
  check_pairwise(
      "binary_cross_entropy_with_logits",
      [](const Tensor& x, const Tensor& t, Reduction r) {
        return binary_cross_entropy_with_logits(x, t, {.reduction = r});
      },
      loss);
  check_op<Row>({
      .name = "with pos_weight and weight",
      .op =
          [](const Tensors& in, const Row& row) {
            const Tensor factor = tensor({0.5, 2., 3.}).to(in[0].dtype());
            return binary_cross_entropy_with_logits(in[0], in[1],
                                                    {.weight = tensor({1., 2., 0.5}).to(in[0].dtype()),
                                                     .pos_weight = factor,
                                                     .reduction = row.reduction});
          },
      .rows = {{{{4, 3}, {4, 3}}}, {{{4, 3}, {4, 3}}, Reduction::none}},
      .tolerance = 8,
  });
  const BceOptions options{.pos_weight = tensor({3.f})};
  CHECK(binary_cross_entropy_with_logits(tensor({0.5f}), tensor({1.f}), options).item<double>() ==
        doctest::Approx(3 * std::log1p(std::exp(-0.5))));
  CHECK(binary_cross_entropy_with_logits(tensor({-200.f, 200.f}), tensor({1.f, 0.f})).item<double>() == 200);
}

TEST_CASE("the second derivative of binary_cross_entropy at 0 and 1") {
  const auto second = [](double probability, double target) {
    const Tensor x = tensor({probability}, {.requires_grad = true});
    const Tensor t = tensor({target});
    const Tensor first = grad({binary_cross_entropy(x, t)}, {x}, {}, {.create_graph = true})[0];
    return grad({first.sum()}, {x})[0].item<double>();
  };
  CHECK(second(0, 0) == doctest::Approx(1));
  CHECK(second(1, 1) == doctest::Approx(1));
  CHECK(second(0, 1) == doctest::Approx(1e24));
  CHECK(second(0.25, 1) == doctest::Approx(16));
  CHECK(second(0.25, 0) == doctest::Approx(1 / 0.5625));
}
