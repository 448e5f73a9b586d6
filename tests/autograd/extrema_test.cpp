#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "autograd/naive_reduce.h"
#include "support/check_op.h"

using namespace kiln;
using kiln::test::check_op;
using kiln::test::naive_reduce;
using kiln::test::ReduceRow;
using Indices = std::vector<int64_t>;

namespace {

double largest_of(const std::vector<double>& set) { return *std::max_element(set.begin(), set.end()); }
double smallest_of(const std::vector<double>& set) { return *std::min_element(set.begin(), set.end()); }

double norm_of(const std::vector<double>& set, double p) {
  double total = 0, high = 0, low = INFINITY;
  for (const double value : set) {
    total += p == 0 ? double(value != 0) : std::pow(std::abs(value), p);
    high = std::max(high, std::abs(value));
    low = std::min(low, std::abs(value));
  }
  if (std::isinf(p)) return p > 0 ? high : low;
  return p == 0 ? total : std::pow(total, 1 / p);
}

}  // namespace

TEST_CASE("amax and amin") {
  check_op<ReduceRow>({
      .name = "amax",
      .op = [](const Tensors& in, const ReduceRow& row) { return amax(in[0], row.dims, row.keepdim); },
      .reference = [](const Tensors& in,
                      const ReduceRow& row) { return naive_reduce(in[0], row, largest_of); },
      .rows = test::kReduceRows,
      .errors = {{{{{3, 0}}, {1}}, "amax: has no value over no elements"}},
  });
  check_op<ReduceRow>({
      .name = "amin",
      .op = [](const Tensors& in, const ReduceRow& row) { return amin(in[0], row.dims, row.keepdim); },
      .reference = [](const Tensors& in,
                      const ReduceRow& row) { return naive_reduce(in[0], row, smallest_of); },
      .rows = test::kReduceRows,
  });
  CHECK(amax(zeros({0, 3}), {1}).shape() == Shape{0});
}

TEST_CASE("max and min with a dim") {
  check_op<ReduceRow>({
      .name = "max",
      .op = [](const Tensors& in,
               const ReduceRow& row) { return max(in[0], int(row.dims[0]), row.keepdim).values; },
      .reference = [](const Tensors& in,
                      const ReduceRow& row) { return naive_reduce(in[0], row, largest_of); },
      .rows = {{{{7}}, {0}}, {{{4, 10}}, {1}}, {{{4, 10}}, {0}, true}, {{{2, 3, 5}}, {-2}}, {{{}}, {0}}},
      .errors = {{{{{3, 0}}, {1}}, "max: has no value over no elements"}},
  });
  const auto [values, indices] = min(tensor({{3, 1, 1}, {0, 5, 0}}), 1);
  CHECK(values.to_vector<int64_t>() == Indices{1, 0});
  CHECK(indices.to_vector<int64_t>() == Indices{1, 0});
}

TEST_CASE("max and min of all") {
  CHECK_THROWS_AS(max(zeros({0})), Error);
  CHECK(max(tensor({3, 9, 2})).item<int64_t>() == 9);
  CHECK(min(tensor({true, false})).item<bool>() == false);
  CHECK(std::isnan(max(tensor({1.f, NAN, 2.f})).item<double>()));
  CHECK(std::isnan(min(cat({rand({999}), tensor({NAN})})).item<double>()));
  const Tensor x = tensor({1., 3., 3.}).requires_grad_();
  max(x).backward();
  CHECK(x.grad().to_vector<double>() == std::vector<double>{0, 0.5, 0.5});
}

TEST_CASE("argmax and argmin") {
  const Tensor x = tensor({{1.f, 5.f, 5.f}, {7.f, -1.f, 7.f}});
  CHECK(argmax(x, 1).to_vector<int64_t>() == Indices{1, 0});
  CHECK(argmax(x, 0).to_vector<int64_t>() == Indices{1, 0, 1});
  CHECK(argmin(x, 0).to_vector<int64_t>() == Indices{0, 1, 0});
  CHECK(argmax(x).item<int64_t>() == 3);
  CHECK(argmax(x, 1, true).shape() == Shape{2, 1});
  CHECK(argmax(x, {}, true).shape() == Shape{1, 1});
  CHECK(argmax(x.t(), 0).to_vector<int64_t>() == Indices{1, 0});
  CHECK(argmax(x.t()).item<int64_t>() == 1);
  CHECK(argmax(tensor({1.f, NAN, 9.f, NAN}), 0).item<int64_t>() == 1);
  CHECK(argmax(tensor({{1.f, 2.f}, {NAN, 1.f}, {5.f, 7.f}}), 0).to_vector<int64_t>() == Indices{1, 2});
  CHECK(argmax(tensor({2, 8, 8}), 0).item<int64_t>() == 1);
  CHECK(argmin(full({100000}, 2.f)).item<int64_t>() == 0);
  CHECK_THROWS_AS(argmax(zeros({0})), Error);
}

TEST_CASE("norm") {
  for (const double p : {0., 1., 2., 3., 0.5, double(INFINITY), -double(INFINITY)}) {
    CAPTURE(p);
    check_op<ReduceRow>({
        .name = "norm",
        .op = [p](const Tensors& in, const ReduceRow& row) { return norm(in[0], p, row.dims, row.keepdim); },
        .reference =
            [p](const Tensors& in, const ReduceRow& row) {
              return naive_reduce(in[0], row, [p](const auto& set) { return norm_of(set, p); });
            },
        .rows = {{{{6}}, {}}, {{{4, 5}}, {1}}, {{{4, 5}}, {0}, true}, {{{2, 3, 4}}, {0, 2}}},
        .low = 0.2,
        .second_derivative = p != 0,
        .tolerance = 4,  // sums of powers of rounded halves
    });
  }
  const Tensor x = zeros({3}).requires_grad_();
  norm(x).backward();
  CHECK(x.grad().to_vector<double>() == std::vector<double>{0, 0, 0});
}
