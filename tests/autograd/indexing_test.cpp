#include <doctest/doctest.h>

#include <kiln/autograd/gradcheck.h>
#include <support/check_op.h>
#include <support/device.h>

// What an index means is PyTorch's (tests/oracle/cases_index.py); here stand gradients of gradients, both
// ways of assigning, memory, devices and errors.

using namespace kiln;
using namespace kiln::test;
using indexing::Ellipsis;
using indexing::None;
using indexing::Slice;
using Reals = std::vector<double>;

namespace {

Reals values(const Tensor& x) { return x.to_vector<double>(); }
Tensor ramp(const Shape& shape) { return arange(numel(shape)).to(float32).reshape(shape); }

struct Row {
  std::vector<Shape> shapes;
  indexing::TensorIndices indices;
  bool accumulate = false;
};

// The indices where x is: rows are run on the CPU, too.
indexing::TensorIndices beside(const Tensor& x, const Row& row) {
  indexing::TensorIndices moved;
  for (const indexing::TensorIndex& index : row.indices) {
    const bool moves = index.kind() == indexing::TensorIndex::Kind::tensor && index.tensor().defined();
    moved.push_back(moves ? indexing::TensorIndex(index.tensor().to(x.device())) : index);
  }
  return moved;
}

Tensor truth() { return tensor({true, false, true, true}); }

}  // namespace

TEST_CASE("index") {
  check_op<Row>({.name = "index",
                 .op = [](const Tensors& in, const Row& row) { return index(in[0], beside(in[0], row)) * 1; },
                 .rows = {{{{4, 3}}, {1}},
                          {{{4, 3}}, {Slice(1, None, 2), None}},
                          {{{4, 3}}, {tensor({0, 3, 3})}},
                          {{{4, 3}}, {Slice(), tensor({{0, -1}, {1, 1}})}},
                          {{{4, 3, 2}}, {tensor({0, 3}), Slice(), tensor({1, 0})}},
                          {{{4, 3}}, {truth()}},
                          {{{4, 3}}, {truth(), tensor({0, 1, 1})}},
                          {{{4, 3}}, {Ellipsis, tensor({2})}}},
                 .errors = {{{{{4, 3}}, {4}}, "select: index 4 is out of range"},
                            {{{{4, 3}}, {0, 0, 0}}, "index: 3 dims are indexed, x [4,3] has 2"},
                            {{{{4, 3}}, {Ellipsis, Ellipsis}}, "index: only one Ellipsis may stand"},
                            {{{{4, 3}}, {Slice(), tensor({0, 3})}}, "is out of range for dim 1 of x [4,3]"},
                            {{{{4, 3}}, {Slice(), truth()}}, "index: a mask of shape [4] does not fit"},
                            {{{{4, 3}}, {tensor({0.5})}}, "index tensors must be bool, int64 or int32"},
                            {{{{4, 3}}, {tensor<uint8_t>({1})}}, "could be a mask or positions"},
                            {{{{4, 3}}, {Tensor()}}, "index: an index is an undefined tensor"},
                            {{{{4, 3}}, {Slice(None, None, -1)}}, "slice: step must be positive"},
                            {{{{4, 3}}, {tensor({0, 1}), tensor({0, 1, 2})}}, "index"}}});
}

TEST_CASE("index_put") {
  check_op<Row>(
      {.name = "index_put",
       .op =
           [](const Tensors& in, const Row& row) {
             return index_put(in[0], beside(in[0], row), in[1].to(in[0].dtype()), row.accumulate);
           },
       .rows = {{{{4, 3}, {3}}, {1}},
                {{{4, 3}, {2, 1, 3}}, {Slice(1, None, 2), None}},
                {{{4, 3}, {2, 3}}, {tensor({0, 3})}},
                {{{4, 3}, {1}}, {tensor({0, -1})}},
                {{{4, 3}, {3, 3}}, {tensor({0, 3, 3})}, true},
                {{{4, 3}, {4, 2}}, {Slice(), tensor({0, -1})}},
                {{{4, 3, 2}, {2, 3}}, {tensor({0, 3}), Slice(), tensor({1, 0})}},
                {{{4, 3}, {3, 3}}, {truth()}},
                {{{4, 3}, {}}, {truth()}},
                {{{4, 3}, {}}, {Slice(1, 3), tensor({true, false, true})}},
                {{{4, 3}, {3}}, {truth(), tensor({0, 1, 1})}, true}},
       .errors = {{{{{4, 3}, {4}}, {1}}, "index_put_: values of shape [4] do not broadcast to the [3]"},
                  {{{{4, 3}, {2}}, {truth()}}, "index_put_: values of shape [2] do not broadcast"}}});
}

TEST_CASE("masked_select, repeat, flip and roll have two derivatives") {
  check_op<Row>(
      {.name = "masked_select",
       .op = [](const Tensors& in, const Row&) { return masked_select(in[0], truth().to(in[0].device())); },
       .rows = {{{{2, 4}}}}});
  check_op<Row>({.name = "repeat",
                 .op =
                     [](const Tensors& in, const Row&) {
                       return repeat(in[0], {2, 1, 3});
                     },
                 .rows = {{{{2, 4}}}, {{{}}}, {{{0, 2}}}}});
  check_op<Row>({.name = "flip and roll",
                 .op =
                     [](const Tensors& in, const Row&) {
                       return roll(flip(in[0], {0, -1}), {1, -2}, {0, 1});
                     },
                 .rows = {{{{3, 4}}}, {{{0, 4}}}}});
}

TEST_CASE("an assignment to an index writes, one to a variable rebinds it") {
  Tensor x = zeros({2, 2});
  x[0] = ones({2});
  CHECK(values(x) == Reals{1, 1, 0, 0});
  x[0][1] = 5;
  CHECK(values(x) == Reals{1, 5, 0, 0});
  Tensor row = x[1];
  row = full({2}, 7.0);
  CHECK(values(x) == Reals{1, 5, 0, 0});
  auto column = x[{Slice(), 0}];
  column = full({2}, 7.0);
  CHECK(values(x) == Reals{1, 5, 0, 0});
  CHECK(values(column) == Reals{7, 7});
  x[1] = x[0];
  CHECK(values(x) == Reals{1, 5, 1, 5});
  x[{Ellipsis, 1}] = x[{Ellipsis, 0}] * 2;
  CHECK(values(x) == Reals{1, 2, 1, 2});
  x[x > 1] = 0;
  CHECK(values(x) == Reals{1, 0, 1, 0});
  x[{tensor({1, 0}), tensor({0, 1})}] = tensor({8.0, 9.0});
  CHECK(values(x) == Reals{1, 9, 8, 0});
  x[{0, Slice()}] = x[{1, tensor({1, 0})}];
  CHECK(values(x) == Reals{0, 8, 8, 0});
  x.slice(1, 0, 1) = 3;
  CHECK(values(x) == Reals{3, 8, 3, 0});
  Tensor y = x;
  y = zeros({1});
  CHECK(values(x) == Reals{3, 8, 3, 0});
  for (Tensor* t : {&x, &y}) *t = ones({1});
  CHECK(values(x) == Reals{1});
}

TEST_CASE("compound assignments to an index write") {
  const Tensor x = ramp({2, 3});
  x[0] += 1;
  x[{1, Slice(0, 2)}] *= 10;
  x[{tensor({0, 1}), 2}] -= tensor({1.0, 2.0});
  x[x == 2] /= 4;
  CHECK(values(x) == Reals{1, 0.5, 0.5, 30, 40, 3});
  auto taken = x[{tensor({0})}];
  taken += 100;  // a tensor of its own
  CHECK(values(taken) == Reals{101, 100.5, 100.5});
  CHECK(values(x) == Reals{1, 0.5, 0.5, 30, 40, 3});
}

TEST_CASE("index_put_ writes the last of equal places, or adds all") {
  const Tensor x = zeros({3});
  x.index_put_({tensor({1, 1, 2})}, tensor({1.0, 2.0, 3.0}));
  CHECK(values(x) == Reals{0, 2, 3});
  x.index_put_({tensor({1, 1, 2})}, tensor({1.0, 2.0, 3.0}), true);
  CHECK(values(x) == Reals{0, 5, 6});
  x.index_put_({tensor({true, false, true})}, 4);
  CHECK(values(x) == Reals{4, 5, 4});
  const Tensor strided = ramp({4, 3}).t();
  strided.index_put_({tensor({0, 2}), tensor({3, 1})}, tensor({-1.0, -2.0}));
  CHECK(values(strided) == Reals{0, 3, 6, -1, 1, 4, 7, 10, 2, -2, 8, 11});
  const Tensor holes = ramp({4, 4});
  holes.slice(0, 0, 4, 2).slice(1, 0, 4, 2).index_put_({tensor({0, 1}), tensor({1, 0})}, -5);
  CHECK(holes[0][2].item<int>() == -5);
  CHECK(holes[2][0].item<int>() == -5);
  CHECK(sum(holes).item<int>() == 120 - 2 - 8 - 10);
  expect_error("index_put_: x is float32, values are float64",
               [&] { x.index_put_({tensor({0})}, tensor({1.0}, {.dtype = float64})); });
}

TEST_CASE("what is read and written may be one memory") {
  const Tensor x = ramp({5});
  x.index_put_({tensor({0, 1, 2, 3})}, x.narrow(0, 1, 4));
  CHECK(values(x) == Reals{1, 2, 3, 4, 4});
  const Tensor at = tensor({2, 0, 1});
  at.index_put_({at}, tensor({0, 1, 2}));
  CHECK(values(at) == Reals{1, 2, 0});
}

TEST_CASE("gradients through writes in place") {
  const Tensor x = ramp({3, 2}).clone().requires_grad_(), v = ones({2}).requires_grad_();
  const Tensor y = x * 2;
  y[{tensor({0, 2})}] = v * 3;
  y[1] *= 5;
  (y * y).sum().backward();
  CHECK(values(x.grad()) == Reals{0, 0, 2 * 20 * 10, 2 * 30 * 10, 0, 0});
  CHECK(values(v.grad()) == Reals{36, 36});
  expect_error("a leaf that requires grad, so it cannot be written in place", [&] { x[{tensor({0})}] = 1; });
}

TEST_CASE("parts of what is empty are empty") {
  const Tensor x = zeros({3, 0});
  CHECK(x[2].shape() == Shape{0});
  CHECK(x.narrow(0, 1, 2).shape() == Shape{2, 0});
  CHECK(zeros({0, 3}).index({Slice(), 2}).shape() == Shape{0});
}

TEST_CASE("masks and positions of int32, on the host beside any x") {
  const FactoryDevice host(cpu);
  const Tensor x = ramp({4, 3}).to(device());
  CHECK(values(x.index({truth(), 1})) == Reals{1, 7, 10});
  CHECK(values(x.index({tensor<int32_t>({-1})})) == Reals{9, 10, 11});
  CHECK(nonzero(x > 9).device() == x.device());
}

TEST_CASE("& | ^ ~ on masks and integers") {
  const Tensor a = tensor({true, true, false}), b = tensor({true, false, false});
  CHECK(equal(a & b, tensor({true, false, false})));
  CHECK(equal(a | b, tensor({true, true, false})));
  CHECK(equal(a ^ b, tensor({false, true, false})));
  CHECK(equal(~a, tensor({false, false, true})));
  const Tensor m = tensor({12, -1});
  CHECK(equal(m & 10, tensor({8, 10})));
  CHECK(equal(~m, tensor({-13, 0})));
  m &= tensor({6, 6});
  m |= 1;
  m ^= 2;
  CHECK(equal(m, tensor({7, 5})));
  CHECK(equal(logical_xor(tensor({1.5, 0}), tensor({0, 0})), tensor({true, false})));
  CHECK(equal((m > 5) & (m < 9), tensor({true, false})));
  expect_error("bitwise_and: needs integers or bools, the operands are float32",
               [] { ones({1}) & ones({1}); });
}
