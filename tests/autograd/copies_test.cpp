#include <doctest/doctest.h>
#include <support/check_op.h>

#include <cmath>

using namespace kiln;
using namespace kiln::test;

namespace {

struct Row {
  std::vector<Shape> shapes;
  int dim = 0;
};

const DType kTypes[] = {float32, float64, float16, bfloat16, int64, int32, int16, int8, uint8, bool8};

}  // namespace

TEST_CASE("clone, contiguous, to: values, layouts, gradients") {
  const std::vector<Row> rows = {{{{3, 4}}}, {{{2, 3, 4, 5}}}, {{{}}}, {{{0, 2}}}, {{{40}}}};
  const auto identity = [](const Tensors& in, const Row&) { return in[0]; };
  check_op<Row>({.name = "clone",
                 .op = [](const Tensors& in, const Row&) { return in[0].clone(); },
                 .reference = identity,
                 .rows = rows});
  check_op<Row>({.name = "contiguous",
                 .op = [](const Tensors& in, const Row&) { return in[0].t().contiguous().t() * 1; },
                 .reference = identity,
                 .rows = {{{{3, 4}}}, {{{70, 41}}}}});
  check_op<Row>(
      {.name = "channels last",
       .op = [](const Tensors& in, const Row&) { return in[0].contiguous(MemoryFormat::channels_last) * 1; },
       .reference = identity,
       .rows = {{{{2, 3, 4, 5}}}, {{{2, 17, 5, 35}}}, {{{1, 64, 33, 1}}}, {{{0, 3, 2, 2}}}}});
  check_op<Row>(
      {.name = "to and back",
       .op = [](const Tensors& in, const Row&) { return in[0].to(float32).to(in[0].dtype()).to(float64); },
       .rows = {{{{3, 4}}}},
       .first_derivative = false});
}

TEST_CASE("to: gradients come back in the input's type") {
  const Tensor x = tensor({1.5, 2.5}).requires_grad_();
  (x.to(float64) * 3).to(float16).backward(ones({2}, {.dtype = float16}));
  CHECK(x.grad().dtype() == float32);
  CHECK(equal(x.grad(), tensor({3., 3.})));
  CHECK_FALSE(x.to(int64).requires_grad());
}

TEST_CASE("to: every pair of types") {
  for (const DType from : kTypes)
    for (const DType to : kTypes) {
      INFO(name_of(from), " to ", name_of(to));
      const Tensor x = tensor({0, 1, 3, 100}).to(from), wide = x.to(to);
      std::vector<double> expected = x.to_vector<double>();
      if (to == bool8)
        for (double& value : expected) value = value != 0;
      CHECK(wide.to_vector<double>() == expected);
      const Tensor strided = tensor({{0, 9}, {1, 9}, {3, 9}, {100, 9}}).to(from).select(1, 0);
      CHECK(equal(strided.to(to), wide));
    }
  CHECK(equal(tensor({-1.7, 1.7, 300.}).to(int32), tensor({-1, 1, 300}).to(int32)));
  CHECK(equal(tensor({-1.f, 300.f}).to(uint8), tensor({255, 44}).to(uint8)));
  CHECK(equal(tensor({NAN, 0.f, -0.f, 0.5f}).to(bool8), tensor({true, false, false, true})));
  CHECK(equal(tensor({1e30, -1e30}).to(int64).to(bool8), tensor({true, true})));
  CHECK(tensor({70000.f}).to(float16).item<float>() == INFINITY);
  expect_error("to: float32 cannot be converted to complex64", [] { ones({1}).to(DType::complex64); });
  CHECK(empty({2}, {.dtype = DType::complex64}).clone().dtype() == DType::complex64);
  expect_error("to: x is an undefined tensor", [] { to(Tensor(), float32); });
}

TEST_CASE("copies between memory orders, element by element") {
  for (const DType dtype : {float64, float32, float16, uint8})
    for (const Shape& shape : {Shape{2, 3, 37, 41}, Shape{3, 64, 16, 16}, Shape{1, 5, 1, 700}}) {
      const Tensor x = remainder(arange(numel(shape)), tensor(251)).reshape(shape).to(dtype);
      const Tensor y = x.contiguous(MemoryFormat::channels_last);
      CHECK(y.is_contiguous(MemoryFormat::channels_last));
      CHECK(y.to_vector<double>() == x.to_vector<double>());
      CHECK(y.contiguous().to_vector<double>() == x.to_vector<double>());
      const Tensor z = x.permute({2, 0, 3, 1}).contiguous();
      CHECK(z.to_vector<double>() == x.permute({2, 0, 3, 1}).to_vector<double>());
    }
}

TEST_CASE("copy_: broadcasting, types, overlap, errors") {
  const Tensor x = zeros({2, 3});
  x.copy_(tensor({1, 2, 3}));
  CHECK(equal(x, tensor({{1., 2., 3.}, {1., 2., 3.}})));
  const Tensor m = arange(9).reshape({3, 3}), t = m.t().clone();
  m.copy_(m.t());
  CHECK(equal(m, t));
  const Tensor line = arange(6);
  line.narrow(0, 1, 5).copy_(line.narrow(0, 0, 5));
  CHECK(equal(line, tensor({0, 0, 1, 2, 3, 4})));
  x.copy_(x);
  x.zero_();
  CHECK(equal(x, zeros({2, 3})));
  expect_error("copy_: a source of shape [2,1,3] does not fit into x [2,3]", [&] {
    x.copy_(zeros({2, 1, 3}));
  });
  expect_error("copy_: shapes [2,3] and [4] do not broadcast", [&] { x.copy_(zeros({4})); });
  expect_error("storage only", [&] { x.copy_(empty({2, 3}, {.dtype = DType::complex64})); });
}

TEST_CASE("cat and stack") {
  check_op<Row>({.name = "cat",
                 .op = [](const Tensors& in, const Row& row) { return cat(in, row.dim); },
                 .rows = {{{{2, 3}, {4, 3}}, 0},
                          {{{2, 3}, {2, 1}, {2, 2}}, -1},
                          {{{2, 3, 2, 2}, {2, 1, 2, 2}}, 1},
                          {{{0, 3}, {2, 3}}, 0},
                          {{{5}}, 0}}});
  check_op<Row>(
      {.name = "stack",
       .op = [](const Tensors& in, const Row& row) { return stack(in, row.dim); },
       .rows = {{{{2, 3}, {2, 3}}, 0}, {{{2, 3}, {2, 3}}, -1}, {{{2, 3}, {2, 3}}, 1}, {{{}, {}}, 0}}});
  CHECK(equal(cat({tensor({1, 2}), tensor({3})}), tensor({1, 2, 3})));
  CHECK(equal(cat({tensor({1, 2}), tensor({0.5})}), tensor({1., 2., 0.5})));
  CHECK(equal(cat({zeros({0}), ones({2, 2})}), ones({2, 2})));
  CHECK(equal(stack({tensor({1, 2}), tensor({3, 4})}, 1), tensor({{1, 3}, {2, 4}})));
  const Tensor nhwc = ones({2, 3, 4, 4}).contiguous(MemoryFormat::channels_last);
  CHECK(cat({nhwc, nhwc}, 1).is_contiguous(MemoryFormat::channels_last));
  expect_error("cat: tensor 1 is [2,4], the first one [2,3]", [] { cat({ones({2, 3}), ones({2, 4})}); });
  expect_error("cat: tensor 1 is [2], the first one [2,3]", [] { cat({ones({2, 3}), ones({2})}); });
  expect_error("cat: dim 2 is out of range", [] { cat({ones({2, 3})}, 2); });
  expect_error("use stack", [] { cat({ones({})}); });
  expect_error("stack: tensor 1 is [3], the first one [2]", [] { stack({ones({2}), ones({3})}); });
  expect_error("cat: needs at least one tensor", [] { cat({}); });
  expect_error("undefined", [] { cat({ones({1}), Tensor()}); });
  const Tensor x = ones({2}).requires_grad_(), y = ones({2}, {.dtype = float64});
  cat({x, y, x}).backward(arange(6).to(float64));
  CHECK(equal(x.grad(), tensor({4., 6.})));
}

TEST_CASE("sum_to undoes broadcasting") {
  check_op<Row>(
      {.name = "sum_to",
       .op =
           [](const Tensors& in, const Row&) {
             return sum_to(in[0].expand({2, 3, 4}), in[0].shape(), in[0].dtype());
           },
       .reference = [](const Tensors& in, const Row&) { return in[0] * (24.0 / double(in[0].numel())); },
       .rows = {{{{4}}}, {{{3, 1}}}, {{{1, 1, 4}}}, {{{}}}, {{{2, 3, 4}}}}});
  expect_error("sum_to: x [2,3] does not come from broadcasting [4]", [] {
    sum_to(ones({2, 3}), {4}, float32);
  });
}
