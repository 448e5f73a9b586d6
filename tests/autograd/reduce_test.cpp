#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/naive_reduce.h"
#include "support/check_op.h"

using namespace kiln;
using kiln::test::check_op;
using kiln::test::naive_reduce;
using kiln::test::ReduceRow;

namespace {

double sum_of(const std::vector<double>& set) {
  double total = 0;
  for (const double value : set) total += value;
  return total;
}

double mean_of(const std::vector<double>& set) { return sum_of(set) / double(set.size()); }

double variance_of(const std::vector<double>& set) {
  const double mean = mean_of(set);
  double total = 0;
  for (const double value : set) total += (value - mean) * (value - mean);
  return total / (double(set.size()) - 1);
}

}  // namespace

TEST_CASE("sum") {
  auto rows = test::kReduceRows;
  rows.push_back({{{0}}, {}});
  rows.push_back({{{3, 0}}, {1}});
  rows.push_back({{{3, 0}}, {0}});
  check_op<ReduceRow>({
      .name = "sum",
      .op = [](const Tensors& in, const ReduceRow& row) { return sum(in[0], row.dims, row.keepdim); },
      .reference = [](const Tensors& in, const ReduceRow& row) { return naive_reduce(in[0], row, sum_of); },
      .rows = rows,
      .errors = {{{{{4, 10}}, {2}}, "sum: dim 2 is out of range"}, {{{{4, 10}}, {1, -1}}, "appears twice"}},
  });
}

TEST_CASE("mean") {
  check_op<ReduceRow>({
      .name = "mean",
      .op = [](const Tensors& in, const ReduceRow& row) { return mean(in[0], row.dims, row.keepdim); },
      .reference = [](const Tensors& in, const ReduceRow& row) { return naive_reduce(in[0], row, mean_of); },
      .rows = test::kReduceRows,
  });
  CHECK(std::isnan(mean(zeros({0})).item<double>()));
  CHECK_THROWS_AS(mean(tensor({1, 2})), Error);
}

TEST_CASE("var and std") {
  const std::vector<ReduceRow> rows(test::kReduceRows.begin() + 1, test::kReduceRows.end() - 1);
  check_op<ReduceRow>({
      .name = "var",
      .op = [](const Tensors& in, const ReduceRow& row) { return var(in[0], row.dims, 1, row.keepdim); },
      .reference = [](const Tensors& in,
                      const ReduceRow& row) { return naive_reduce(in[0], row, variance_of); },
      .rows = rows,
  });
  check_op<ReduceRow>({
      .name = "std",
      .op = [](const Tensors& in,
               const ReduceRow& row) { return kiln::std(in[0], row.dims, 1, row.keepdim); },
      .reference =
          [](const Tensors& in, const ReduceRow& row) {
            return naive_reduce(in[0], row, [](const auto& set) { return std::sqrt(variance_of(set)); });
          },
      .rows = rows,
  });
  CHECK(var(tensor({1., 2., 4.}), {}, 0).item<double>() == doctest::Approx(14.0 / 9));
  CHECK(std::isnan(var(tensor({1.})).item<double>()));
  // Far from zero: a single pass over the squares would lose every digit.
  CHECK(var(tensor({10000.f, 10001.f, 10002.f})).item<double>() == doctest::Approx(1));
}

TEST_CASE("logsumexp") {
  check_op<ReduceRow>({
      .name = "logsumexp",
      .op = [](const Tensors& in, const ReduceRow& row) { return logsumexp(in[0], row.dims, row.keepdim); },
      .reference =
          [](const Tensors& in, const ReduceRow& row) {
            return naive_reduce(in[0], row, [](const auto& set) {
              double total = 0;
              for (const double value : set) total += std::exp(value);
              return std::log(total);
            });
          },
      .rows = test::kReduceRows,
  });
  CHECK(logsumexp(tensor({1000.f, 1000.f}), {0}).item<double>() == doctest::Approx(1000 + std::log(2)));
  CHECK(logsumexp(tensor({-INFINITY, -INFINITY}), {0}).item<double>() == -INFINITY);
}

TEST_CASE("prod, any, all") {
  check_op<ReduceRow>({
      .name = "prod",
      .op = [](const Tensors& in, const ReduceRow&) { return prod(in[0]); },
      .reference =
          [](const Tensors& in, const ReduceRow&) {
            return naive_reduce(in[0], {}, [](const auto& set) {
              double total = 1;
              for (const double value : set) total *= value;
              return total;
            });
          },
      .rows = {{{{}}}, {{{5}}}, {{{2, 3}}}, {{{0}}}},
      .tolerance = 4,  // each factor is rounded
  });
  const Tensor x = tensor({2., 0., 3.}).requires_grad_();
  prod(x).backward();
  CHECK(x.grad().to_vector<double>() == std::vector<double>{0, 6, 0});
  CHECK(prod(tensor({2, 3, 4})).item<int64_t>() == 24);
  CHECK(any(tensor({0, 0, 3})).item<bool>());
  CHECK_FALSE(any(tensor({0.f, 0.f})).item<bool>());
  CHECK(all(tensor({1, 2})).item<bool>());
  CHECK_FALSE(all(tensor({true, false})).item<bool>());
  CHECK(all(zeros({0})).item<bool>());
  CHECK_FALSE(any(zeros({0})).item<bool>());
}

TEST_CASE("cumsum") {
  check_op<ReduceRow>({
      .name = "cumsum",
      .op = [](const Tensors& in, const ReduceRow& row) { return cumsum(in[0], int(row.dims[0])); },
      .reference =
          [](const Tensors& in, const ReduceRow& row) {
            Tensor y = clone(in[0]);
            const int dim = int(row.dims[0]);
            for (int64_t i = 1; y.dim() > 0 && i < y.size(dim); ++i)
              y.select(dim, i).add_(y.select(dim, i - 1));
            return y;
          },
      .rows =
          {{{{}}, {0}}, {{{5}}, {0}}, {{{3, 4}}, {0}}, {{{3, 4}}, {1}}, {{{2, 3, 2}}, {1}}, {{{3, 0}}, {1}}},
      .tolerance = 2,
  });
  CHECK(cumsum(tensor({true, true, false}), 0).to_vector<int64_t>() == std::vector<int64_t>{1, 2, 2});
}

TEST_CASE("sums of integers and bool are int64") {
  CHECK(sum(tensor({1, 2, 3})).item<int64_t>() == 6);
  const Tensor flags = sum(tensor({true, true, false}));
  CHECK(flags.dtype() == int64);
  CHECK(flags.item<int64_t>() == 2);
  CHECK(sum(full({1000}, 100, {.dtype = int8})).item<int64_t>() == 100000);
  CHECK(sum(full({40, 1000}, 1, {.dtype = uint8}), {0}).to_vector<int64_t>()[999] == 40);
  CHECK_THROWS_AS(sum(empty({2}, {.dtype = DType::complex64})), Error);
  CHECK_THROWS_AS(sum(Tensor()), Error);
}

TEST_CASE("large reductions do not depend on the number of threads") {
  const int threads = num_threads();
  const Tensor wide = rand({300, 1111}), deep = rand({64, 24, 33, 17});
  const auto results = [&] {
    return Tensors{sum(wide),
                   sum(wide, {0}),
                   sum(wide, {1}),
                   sum(wide.t(), {0}),
                   sum(deep, {0, 2, 3}),
                   sum(contiguous(deep, MemoryFormat::channels_last), {0, 2, 3}),
                   amax(deep, {0, 2, 3}),
                   norm(deep),
                   cumsum(wide, 0)};
  };
  set_num_threads(1);
  const Tensors alone = results();
  set_num_threads(3);
  const Tensors together = results();
  set_num_threads(threads);
  for (size_t i = 0; i < alone.size(); ++i) {
    CAPTURE(i);
    CHECK(alone[i].to_vector<double>() == together[i].to_vector<double>());
  }
  const Tensor exact = naive_reduce(deep, {{}, {0, 2, 3}}, sum_of);
  test::expect_close(to(alone[4], float64), exact, 1e-6, 0, "NCHW");
  test::expect_close(to(alone[5], float64), exact, 1e-6, 0, "NHWC");
  test::expect_close(to(alone[3], float64), naive_reduce(wide, {{}, {1}}, sum_of), 1e-6, 0, "transposed");
}

TEST_CASE("integers that overflow wrap around, as in PyTorch") {
  constexpr int64_t most = std::numeric_limits<int64_t>::max(), least = std::numeric_limits<int64_t>::min();
  const Tensor x = full({2}, most), first = zeros({2}, {.dtype = int64});
  CHECK(sum(x).item<int64_t>() == -2);
  CHECK(prod(x).item<int64_t>() == 1);
  CHECK(cumsum(x, 0).to_vector<int64_t>() == std::vector<int64_t>{most, -2});
  CHECK(sum(full({300, 2}, least), {0}).to_vector<int64_t>() == std::vector<int64_t>{0, 0});
  CHECK(scatter_add(x, 0, first, x).to_vector<int64_t>() == std::vector<int64_t>{most - 2, most});
  CHECK(index_add(x, 0, first, x).to_vector<int64_t>() == std::vector<int64_t>{most - 2, most});
}

TEST_CASE("a reduction that would not end says so") {
  const Tensor x = ones({1}, {.requires_grad = true}), huge = x.detach().expand({INT64_MAX});
  CHECK_THROWS_WITH_AS(
      sum(huge), "a reduction of [9223372036854775807], over 9223372036854775807 elements, would not end",
      Error);
  CHECK_THROWS_AS(mean(huge), Error);
  CHECK_THROWS_AS(norm(huge), Error);
  CHECK_THROWS_AS(amax(huge), Error);
  CHECK_THROWS_AS(any(huge), Error);
  CHECK_THROWS_AS(argmax(huge), Error);
  CHECK_THROWS_AS(cumsum(huge, 0), Error);
}
