#include <doctest/doctest.h>

#include <cmath>

#include "support/check_op.h"

using namespace kiln;
using kiln::test::check_op;
using Indices = std::vector<int64_t>;

namespace {

struct Row {
  std::vector<Shape> shapes;
  int dim = 0;
  Tensor index = {};
};

int wrapped(int dim, const Tensor& x) { return dim < 0 ? dim + x.dim() : dim; }

// Calls f(flat position in index, flat position in x of the element that it names).
template <class F>
void for_each_named(const Tensor& index, const Shape& x, int dim, F f) {
  const Indices at = index.to_vector<int64_t>();
  for (size_t i = 0; i < at.size(); ++i) {
    int64_t rest = int64_t(i), flat = 0, stride = 1;
    for (int d = x.rank() - 1; d >= 0; --d) {
      flat += (d == dim ? at[i] : rest % index.size(d)) * stride;
      rest /= index.size(d);
      stride *= x[d];
    }
    f(i, size_t(flat));
  }
}

Tensor naive_gather(const Tensors& in, const Row& row) {
  const std::vector<double> x = in[0].to_vector<double>();
  std::vector<double> y(size_t(row.index.numel()));
  for_each_named(row.index, in[0].shape(), wrapped(row.dim, in[0]),
                 [&](size_t i, size_t at) { y[i] = x[at]; });
  return from_values(y, row.index.shape());
}

Tensor naive_scatter_add(const Tensors& in, const Row& row) {
  std::vector<double> x = in[0].to_vector<double>();
  const std::vector<double> source = in[1].to_vector<double>();
  for_each_named(row.index, in[0].shape(), wrapped(row.dim, in[0]),
                 [&](size_t i, size_t at) { x[at] += source[i]; });
  return from_values(x, in[0].shape());
}

Tensor naive_index_select(const Tensors& in, const Row& row) {
  Tensors slices;
  for (const int64_t i : row.index.to_vector<int64_t>()) slices.push_back(in[0].select(row.dim, i));
  return stack(slices, wrapped(row.dim, in[0]));
}

Tensor naive_index_add(const Tensors& in, const Row& row) {
  const Tensor y = clone(in[0]);
  const Indices at = row.index.to_vector<int64_t>();
  for (size_t i = 0; i < at.size(); ++i) y.select(row.dim, at[i]).add_(in[1].select(row.dim, int64_t(i)));
  return y;
}

// On x's device.
Tensor beside(const Tensor& x, const Row& row) { return row.index.to(x.device()); }

Tensor plane() { return tensor({{0, 2, 1}, {2, 2, 0}}); }

}  // namespace

TEST_CASE("gather") {
  check_op<Row>({
      .name = "gather",
      .op = [](const Tensors& in, const Row& row) { return gather(in[0], row.dim, beside(in[0], row)); },
      .reference = naive_gather,
      .rows = {{{{4}}, 0, tensor({3, 0, 0})},
               {{{2, 3}}, 1, plane()},
               {{{4, 3}}, 0, plane()},
               {{{4, 5}}, -2, plane()},
               {{{2, 3, 4}}, 1, tensor({{{1, 2}}})},
               {{{}}, 0, tensor(0)}},
  });
  const Tensor x = zeros({2, 3});
  test::expect_error("gather: index 3 at position [1,0] is out of range for dim 1 of x [2,3] (use 0 .. 2)",
                     [&] {
                       gather(x, 1, tensor({{0}, {3}}));
                     });
  test::expect_error("index -1 at position [0,0]", [&] { gather(x, 1, tensor({{-1}})); });
  test::expect_error("same number of dimensions", [&] { gather(x, 1, tensor({0})); });
  test::expect_error("is larger than x", [&] { gather(x, 1, zeros({3, 1}, {.dtype = int64})); });
  test::expect_error("gather: index must hold int64 or int32, got float32", [&] {
    gather(x, 1, zeros({2, 1}));
  });
  CHECK(gather(x, 1, plane().to(int32)).shape() == Shape{2, 3});
  CHECK(gather(tensor({5, 6}), 0, tensor({1})).item<int64_t>() == 6);
  test::expect_error("index 0 at position [0]", [] { gather(zeros({0}), 0, tensor({0})); });
}

TEST_CASE("scatter_add") {
  check_op<Row>({
      .name = "scatter_add",
      .op = [](const Tensors& in,
               const Row& row) { return scatter_add(in[0], row.dim, beside(in[0], row), in[1]); },
      .reference = naive_scatter_add,
      .rows = {{{{4}, {3}}, 0, tensor({3, 0, 0})},
               {{{2, 3}, {2, 3}}, 1, plane()},
               {{{3, 5}, {2, 3}}, 0, plane()},
               {{{}, {}}, 0, tensor(0)}},
      .tolerance = 4,  // sums of rounded halves
  });
  // Only the part of the source that the index covers is added.
  const Tensor source = ones({3, 4}, {.dtype = float64}).requires_grad_();
  const Tensor y = scatter_add(zeros({3, 4}, {.dtype = float64}), 1, plane(), source);
  CHECK(sum(y).item<double>() == 6);
  sum(y).backward();
  CHECK(sum(source.grad()).item<double>() == 6);
  test::expect_error("x is float32, source is float64",
                     [] { scatter_add(zeros({2}), 0, tensor({0}), tensor({1.}).to(float64)); });
  test::expect_error("scatter_add: index 2 at position [0]",
                     [] { scatter_add(zeros({2}), 0, tensor({2}), zeros({1})); });
}

TEST_CASE("index_select") {
  check_op<Row>({
      .name = "index_select",
      .op = [](const Tensors& in,
               const Row& row) { return index_select(in[0], row.dim, beside(in[0], row)); },
      .reference = naive_index_select,
      .rows = {{{{4}}, 0, tensor({3, 0, 0})},
               {{{2, 3}}, 1, tensor({2, 1})},
               {{{3, 2, 4}}, -2, tensor({1, 1, 0})}},
  });
  CHECK(index_select(zeros({3, 4}), 0, zeros({0}, {.dtype = int64})).shape() == Shape{0, 4});
  test::expect_error(
      "index_select: index 4 at position [1] is out of range for dim 1 of x [3,4] (use 0 .. 3)", [] {
        index_select(zeros({3, 4}), 1, tensor({0, 4}));
      });
  CHECK_THROWS_AS(index_select(zeros({3, 4}), 1, plane()), Error);
}

TEST_CASE("index_add") {
  check_op<Row>({
      .name = "index_add",
      .op = [](const Tensors& in,
               const Row& row) { return index_add(in[0], row.dim, beside(in[0], row), in[1]); },
      .reference = naive_index_add,
      .rows = {{{{4}, {3}}, 0, tensor({3, 0, 0})},
               {{{2, 3}, {2, 2}}, 1, tensor({2, 2})},
               {{{3, 2, 4}, {3, 3, 4}}, 1, tensor({1, 1, 0})}},
      .tolerance = 4,  // sums of rounded halves
  });
  test::expect_error("need a source of shape [2,4], got [3,4]", [] {
    index_add(zeros({3, 4}), 0, tensor({0, 1}), zeros({3, 4}));
  });
}

TEST_CASE("one_hot") {
  CHECK(one_hot(tensor({1, 0}), 3).to_vector<int64_t>() == Indices{0, 1, 0, 1, 0, 0});
  CHECK(one_hot(tensor({{1, 0}}), -1).shape() == Shape{1, 2, 2});
  test::expect_error("one_hot: class 3 of element 1 is out of range (use 0 .. 2)", [] {
    one_hot(tensor({1, 3}), 3);
  });
  CHECK_THROWS_AS(one_hot(tensor({1.f}), 3), Error);
}

TEST_CASE("sort and topk") {
  struct SortRow {
    std::vector<Shape> shapes;
    int dim;
    bool descending;
  };
  check_op<SortRow>({
      .name = "sort",
      .op = [](const Tensors& in, const SortRow& row) { return sort(in[0], row.dim, row.descending).values; },
      .rows = {{{{6}}, 0, false}, {{{3, 4}}, 0, true}, {{{2, 3, 4}}, 1, false}, {{{}}, 0, false}},
  });
  check_op<SortRow>({
      .name = "topk",
      .op = [](const Tensors& in,
               const SortRow& row) { return topk(in[0], 2, row.dim, row.descending).values; },
      .rows = {{{{6}}, 0, false}, {{{3, 4}}, 0, true}, {{{2, 3, 4}}, 1, false}},
  });
  const auto [values, indices] = sort(tensor({2.f, NAN, 1.f, 2.f, 1.f}));
  CHECK(indices.to_vector<int64_t>() == Indices{2, 4, 0, 3, 1});
  CHECK(values.to_vector<double>()[0] == 1);
  CHECK(sort(tensor({2, 1, 2, 3}), 0, true).indices.to_vector<int64_t>() == Indices{3, 0, 2, 1});
  const auto top = topk(tensor({{5, 1, 9}, {7, 8, 2}}), 2);
  CHECK(top.values.to_vector<int64_t>() == Indices{9, 5, 8, 7});
  CHECK(top.indices.to_vector<int64_t>() == Indices{2, 0, 1, 0});
  CHECK(topk(tensor({3, 1, 2}), 1, 0, false).indices.item<int64_t>() == 1);
  CHECK(topk(zeros({3, 4}), 0).values.shape() == Shape{3, 0});
  test::expect_error("topk: k = 5 is out of range for dim 1 of x [3,4] (use 0 .. 4)", [] {
    topk(zeros({3, 4}), 5);
  });
}

TEST_CASE("equal and allclose") {
  CHECK(equal(tensor({1, 2}), tensor({1, 2})));
  CHECK_FALSE(equal(tensor({1, 2}), tensor({1, 3})));
  CHECK_FALSE(equal(tensor({1, 2}), tensor({1.f, 2.f})));
  CHECK_FALSE(equal(tensor({1, 2}), tensor({{1, 2}})));
  CHECK_FALSE(equal(tensor({NAN}), tensor({NAN})));
  CHECK(equal(zeros({0}), zeros({0})));
  CHECK(allclose(tensor({1.f, INFINITY}), tensor({1.000001f, INFINITY})));
  CHECK_FALSE(allclose(tensor({1.f}), tensor({1.001f})));
  CHECK_FALSE(allclose(tensor({5.f}), tensor({INFINITY})));
  CHECK_FALSE(allclose(tensor({NAN}), tensor({NAN})));
  CHECK(allclose(tensor({NAN}), tensor({NAN}), 1e-5, 1e-8, true));
  CHECK(allclose(zeros({2, 3}), zeros({3})));
  CHECK_THROWS_AS(equal(Tensor(), zeros({1})), Error);
}

TEST_CASE("many halves at one place are added up in float32") {
  constexpr int64_t kMany = 5000;
  const Tensor at = zeros({kMany}, {.dtype = int64});
  for (const DType dtype : {float16, bfloat16}) {
    CAPTURE(dtype);
    // What the type makes of 5000.
    const double want = tensor({double(kMany)}, {.dtype = dtype}).item<double>();
    const Tensor p = ones({3}, {.dtype = dtype, .requires_grad = true}),
                 values = ones({kMany}, {.dtype = dtype});
    CHECK(index_add(zeros({3}, {.dtype = dtype}), 0, at, values)[0].item<double>() == want);
    CHECK(scatter_add(zeros({3}, {.dtype = dtype}), 0, at, values)[0].item<double>() == want);
    const Tensor x = zeros({3}, {.dtype = dtype});
    x.index_put_({at}, values, true);
    CHECK(x[0].item<double>() == want);
    for (const auto& pick : {index_select(p, 0, at), gather(p, 0, at), p.index({at})}) {
      p.set_grad({});
      pick.sum().backward();
      CHECK(p.grad()[0].item<double>() == want);
      CHECK(p.grad().dtype() == dtype);
    }
  }
}
