#include <doctest/doctest.h>
#include <support/check_op.h>

#include <cmath>

using namespace kiln;
using namespace kiln::test;

namespace {

constexpr double kNan = NAN, kInf = INFINITY;
const DType kNumbers[] = {float32, float64, float16, bfloat16, int64, int32, int16, int8, uint8};

struct Row {
  std::vector<Shape> shapes;
};

Tensor flags(std::vector<bool> values) {
  const std::vector<uint8_t> bytes(values.begin(), values.end());
  return from_values(bytes, {int64_t(bytes.size())}).to(bool8);
}

}  // namespace

TEST_CASE("comparisons in every type") {
  for (const DType dtype : kNumbers) {
    INFO(name_of(dtype));
    const Tensor a = tensor({1, 2, 3}).to(dtype), b = tensor({2, 2, 2}).to(dtype);
    CHECK(equal(a == b, flags({false, true, false})));
    CHECK(equal(a != b, flags({true, false, true})));
    CHECK(equal(a < b, flags({true, false, false})));
    CHECK(equal(a <= b, flags({true, true, false})));
    CHECK(equal(a > b, flags({false, false, true})));
    CHECK(equal(a >= b, flags({false, true, true})));
    CHECK(equal(a >= 2, flags({false, true, true})));
    CHECK(equal(a < 2.5, flags({true, true, false})));
  }
  CHECK(equal(flags({true, false}) == true, flags({true, false})));
  CHECK(equal(tensor({{1}, {2}}) < tensor({1, 2, 3}), tensor({{false, true, true}, {false, false, true}})));
  CHECK((ones({0, 3}) == ones({3})).shape() == Shape{0, 3});
  CHECK(equal(tensor({kNan, 1.}) == tensor({kNan, 1.}), flags({false, true})));
  CHECK_FALSE((ones({2}).requires_grad_() == 1).requires_grad());
  expect_error("lt: shapes [2] and [3] do not broadcast", [] { lt(ones({2}), ones({3})); });
  expect_error("eq: a is complex64, which is storage only",
               [] { eq(empty({2}, {.dtype = DType::complex64}), 1); });
}

TEST_CASE("logical ops, equal, allclose") {
  const Tensor a = tensor({0., 2., 0., kNan}), b = tensor({0, 0, 3, 1});
  CHECK(equal(logical_and(a, b), flags({false, false, false, true})));
  CHECK(equal(logical_or(a, b), flags({false, true, true, true})));
  CHECK(equal(logical_not(a), flags({true, false, true, false})));
  CHECK(equal(ones({0}), ones({0})));
  CHECK_FALSE(equal(ones({2}), ones({1, 2})));
  CHECK_FALSE(equal(ones({2}), ones({2}, {.dtype = float64})));
  CHECK_FALSE(equal(a, a));
  CHECK(allclose(tensor({1., kInf}), tensor({1.000001, kInf})));
  CHECK_FALSE(allclose(tensor({1.}), tensor({1.0001})));
  CHECK_FALSE(allclose(tensor({kInf}), tensor({-kInf})));
  CHECK_FALSE(allclose(tensor({kNan}), tensor({kNan})));
  CHECK(allclose(tensor({kNan}), tensor({kNan}), 0, 0, true));
  CHECK(allclose(tensor({1, 2}), tensor({1, 3}), 0, 1));
  expect_error("allclose: operands are float32 and int64", [] { allclose(ones({1}), tensor({1})); });
}

TEST_CASE("where") {
  const Tensor condition = tensor({{true, false, true}, {false, true, true}});
  check_op<Row>(
      {.name = "where",
       .op = [&](const Tensors& in, const Row&) { return where(condition.to(in[0].device()), in[0], in[1]); },
       .rows = {{{{2, 3}, {2, 3}}}, {{{3}, {2, 1}}}, {{{}, {2, 3}}}, {{{4, 1, 1}, {}}}}});
  for (const DType dtype : kNumbers) {
    const Tensor a = tensor({1, 2, 3}).to(dtype), b = tensor({4, 5, 6}).to(dtype);
    CHECK(equal(where(tensor({true, false, true}), a, b), tensor({1, 5, 3}).to(dtype)));
  }
  CHECK(where(tensor({true, false}), tensor({1, 2}), tensor({0.5})).dtype() == float32);
  CHECK(where(tensor({true, false}), tensor({1, 2}), tensor(0.5)).dtype() == float32);
  const Tensor big = full({2}, int64_t(9007199254740993));
  CHECK(equal(where(tensor({true, false}), big, big), big));
  expect_error("where: condition must be a bool tensor, got int64",
               [] { where(tensor({1}), ones({1}), ones({1})); });
  expect_error("where: shapes [3] and [2] do not broadcast", [] {
    where(tensor({true, false, true}), ones({2}), ones({2}));
  });
}

TEST_CASE("masked_fill") {
  const Tensor mask = tensor({{true, false, true}, {false, true, true}});
  check_op<Row>(
      {.name = "masked_fill",
       .op = [&](const Tensors& in, const Row&) { return masked_fill(in[0], mask.to(in[0].device()), 0.5); },
       .rows = {{{{2, 3}}}, {{{3}}}, {{{2, 2, 3}}}, {{{}}}}});
  CHECK(equal(masked_fill(tensor({1, 2, 3}), tensor({true, false, true}), 9), tensor({9, 2, 9})));
  const Tensor x = tensor({{1., 2.}, {3., 4.}});
  x.t().masked_fill_(tensor({true, false}), -1);
  CHECK(equal(x, tensor({{-1., -1.}, {3., 4.}})));
  expect_error("masked_fill: value 0.5 cannot be stored in int64",
               [&] { masked_fill(tensor({1}), tensor({true}), 0.5); });
  expect_error("masked_fill_: the result has shape [2,3]", [&] { ones({3}).masked_fill_(mask, 1); });
  expect_error("masked_fill: mask must be a bool tensor", [&] { masked_fill(x, x, 1); });
}

TEST_CASE("clamp") {
  check_op<Row>({.name = "clamp",
                 .op = [](const Tensors& in, const Row&) { return clamp(in[0], -0.5, 0.75); },
                 .rows = {{{{4, 5}}}, {{{}}}, {{{0}}}, {{{1025}}}}});
  check_op<Row>({.name = "clamp below",
                 .op = [](const Tensors& in, const Row&) { return clamp(in[0], 0.25, {}); },
                 .rows = {{{{4, 5}}}}});
  check_op<Row>({.name = "clamp above",
                 .op = [](const Tensors& in, const Row&) { return clamp(in[0], {}, 0.25); },
                 .rows = {{{{4, 5}}}}});
  for (const DType dtype : kNumbers)
    CHECK(equal(clamp(tensor({1, 5, 9}).to(dtype), 2, 7), tensor({2, 5, 7}).to(dtype)));
  CHECK(equal(clamp(tensor({1, 5}).to(uint8), -3, 1000), tensor({1, 5}).to(uint8)));
  CHECK(equal(clamp(tensor({1, 5}), 1.5, {}), tensor({1.5, 5.})));
  CHECK(equal(clamp(tensor({1., 5.}), 3, 2), tensor({2., 2.})));
  CHECK(isnan(clamp(tensor({kNan}), 0, 1)).item<bool>());
  const Tensor x = tensor({0., 1., 2.}).requires_grad_();
  clamp(x, 0, 1).sum().backward();  // the limits themselves pass
  CHECK(equal(x.grad(), tensor({1., 1., 0.})));
  expect_error("clamp: needs a lower or an upper limit", [] { clamp(ones({1}), {}, {}); });
  expect_error("clamp_: result type float32 can't be cast to int64", [] { tensor({1}).clamp_(0.5, 2); });
}

TEST_CASE("numbers beyond an integer type compare as what they are") {
  const Tensor x = tensor({0, 44, 255}, {.dtype = uint8});
  CHECK_FALSE(any(x == 300).item<bool>());
  CHECK(all(x < 300).item<bool>());
  CHECK(all(x > -1).item<bool>());
  CHECK(all(x != -212).item<bool>());
  CHECK_FALSE(any(tensor<int32_t>({1}) == 4294967297).item<bool>());
}

TEST_CASE("a clamp by NaN is NaN") {
  const Tensor x = tensor({1., 5.});
  CHECK(all(isnan(clamp(x, NAN, {}))).item<bool>());
  CHECK(all(isnan(clamp(x, {}, NAN))).item<bool>());
  CHECK(equal(x.clamp(2), tensor({2., 5.})));
}

TEST_CASE("where, remainder and floor_divide take numbers") {
  const Tensor x = tensor({1., -2.}, {.requires_grad = true}), c = tensor({true, false});
  const Tensor y = where(c, x, 7);
  CHECK(equal(y, tensor({1., 7.})));
  y.sum().backward();
  CHECK(equal(x.grad(), tensor({1., 0.})));
  CHECK(where(c, tensor({1, 2}), 0.5).dtype() == float32);
  CHECK(equal(where(c, 0.5, x.detach()), tensor({0.5, -2.})));
  CHECK(equal(remainder(x.detach(), 2), tensor({1., 0.})));
  CHECK(equal(floor_divide(tensor({7, -7}), 2), tensor({3, -4})));
}
