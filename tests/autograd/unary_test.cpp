#include <doctest/doctest.h>
#include <kiln/tensor/cpu/context.h>
#include <support/check_op.h>
#include <support/unary_rows.h>

#include <cmath>
#include <limits>

using namespace kiln;
using namespace kiln::test;

namespace {

struct ShapeRow {
  std::vector<Shape> shapes;
};

Tensor naive(const Tensor& x, double (*f)(double)) {
  std::vector<double> values = x.to_vector<double>();
  for (double& value : values) value = f(value);
  return from_values(values, x.shape());
}

std::vector<float> floats(const Tensor& x) { return x.to(float32).to_vector<float>(); }

}  // namespace

TEST_CASE("unary ops: reference, types, layouts, gradients") {
  for (const UnaryRow& row : unary_rows())
    check_op<ShapeRow>({
        .name = row.name,
        .op = [&](const Tensors& in, const ShapeRow&) { return row.op(in[0]); },
        .reference = [&](const Tensors& in, const ShapeRow&) { return naive(in[0], row.reference); },
        .rows = {{{{3, 7}}}, {{{2, 3, 2, 5}}}, {{{}}}, {{{0, 4}}}, {{{1031}}}},
        .low = row.low,
        .high = row.high,
        // Steps jump where rounding to a half moves an input over an edge, 1/x and logarithms amplify it.
        .dtypes = {float32},
        .tolerance = 4,
    });
}

TEST_CASE("unary ops: halves compute in float32") {
  for (const UnaryRow& row : unary_rows())
    for (const DType dtype : {float16, bfloat16}) {
      INFO(row.name);
      const Tensor x = random_input({65}, row.low, row.high, 3).to(dtype);
      CHECK(equal(row.op(x), row.op(x.to(float32)).to(dtype)));
    }
}

TEST_CASE("unary ops: a value gives the same bits wherever it stands") {
  const Tensor x = random_input({77}, 0.1, 0.9, 5).to(float32);
  for (const UnaryRow& row : unary_rows()) {
    const std::vector<float> all = floats(row.op(x));
    for (const int64_t i : {0, 15, 16, 63, 64, 70, 76}) CHECK(row.op(x[i]).item<float>() == all[size_t(i)]);
  }
}

TEST_CASE("unary ops: special values are PyTorch's") {
  const double inf = INFINITY, nan = NAN;
  const Tensor x =
      from_values<float>({0.f, -0.f, 1e-45f, float(inf), float(-inf), float(nan), 88.f, -104.f}, {8});
  const auto expect = [&](const Tensor& y, const std::vector<double>& expected) {
    expect_close(y, from_values(expected, {8}), 1e-6, 1e-40, "special");
  };
  expect(relu(x), {0, 0, 1e-45, inf, 0, nan, 88, 0});
  expect(exp(x), {1, 1, 1, inf, 0, nan, std::exp(88.), 6.8e-46});
  expect(log(x), {-inf, -inf, std::log(1.4013e-45), inf, nan, nan, std::log(88.), nan});
  expect(tanh(x), {0, 0, 0, 1, -1, nan, 1, -1});
  expect(sigmoid(x), {0.5, 0.5, 0.5, 1, 0, nan, 1, 0});
  expect(sqrt(x), {0, 0, std::sqrt(1.4013e-45), inf, nan, nan, std::sqrt(88.), nan});
  expect(softplus(x), {std::log(2.), std::log(2.), std::log(2.), inf, 0, nan, 88, 0});
  expect(abs(x), {0, 0, 1e-45, inf, inf, nan, 88, 104});
  CHECK(equal(isnan(x), x != x));
  CHECK(equal(isinf(x), abs(x) == inf));
  CHECK(equal(isfinite(x), tensor({true, true, true, false, false, false, true, true})));
  CHECK(equal(round(tensor({0.5, 1.5, 2.5, -0.5, -1.5})), tensor({0., 2., 2., -0., -2.})));
}

TEST_CASE("unary ops of integers") {
  const Tensor x = tensor({-2, 0, 3});
  CHECK(equal(neg(x), tensor({2, 0, -3})));
  CHECK(equal(abs(x), tensor({2, 0, 3})));
  CHECK(equal(sign(x), tensor({-1, 0, 1})));
  CHECK(equal(square(x), tensor({4, 0, 9})));
  CHECK(equal(relu(x), tensor({0, 0, 3})));
  CHECK(equal(floor(x), x));
  CHECK(exp(x).dtype() == float32);
  CHECK(equal(exp(x), exp(x.to(float32))));
  CHECK(equal(neg(tensor({1}).to(uint8)), tensor({255}).to(uint8)));
  CHECK(equal(isfinite(x), x == x));
  CHECK(equal(isnan(x), x != x));
  const Tensor least = full({2}, std::numeric_limits<int64_t>::min());
  CHECK(equal(neg(least), least));
  CHECK(equal(abs(least), least));
  expect_error("neg: bool tensors are not supported", [] { neg(tensor({true})); });
  expect_error("exp: x is an undefined tensor", [] { exp(Tensor()); });
  expect_error("exp: x is complex64, which is storage only",
               [] { exp(empty({2}, {.dtype = DType::complex64})); });
}

TEST_CASE("unary ops keep the order of dimensions") {
  const Tensor x = random_input({2, 3, 4, 5}, -1, 1, 1).contiguous(MemoryFormat::channels_last);
  CHECK(exp(x).is_contiguous(MemoryFormat::channels_last));
  CHECK(exp(x.permute({3, 0, 1, 2})).strides() == x.permute({3, 0, 1, 2}).strides());
  CHECK(exp(x.narrow(1, 0, 2)).is_contiguous(MemoryFormat::channels_last));
  CHECK(exp(x.narrow(0, 0, 1).expand({7, 3, 4, 5})).is_contiguous());
}

TEST_CASE("unary ops do not depend on the number of threads") {
  const Tensor x = random_input({200003}, 0.1, 2, 1).to(float32);
  const int threads = num_threads();
  set_num_threads(1);
  const Tensor one = gelu(x);
  set_num_threads(5);
  const Tensor five = gelu(x);
  set_num_threads(threads);
  CHECK(equal(one, five));
}

TEST_CASE("activations in place are those of their names, with their first and second derivatives") {
  struct Pair {
    Tensor (*f)(const Tensor&);
    const Tensor& (*f_)(const Tensor&);
  };
  for (const Pair& pair : {Pair{relu6, relu6_}, Pair{silu, silu_}, Pair{hardswish, hardswish_},
                           Pair{hardsigmoid, hardsigmoid_}}) {
    const Tensor x = (randn({40}) * 3).to(float64).requires_grad_();
    const auto twice = [&](const Tensor& y) {
      const Tensor g = autograd::grad({y.sum()}, {x}, {}, {.create_graph = true})[0];
      return Tensors{y.detach(), g.detach(), g.requires_grad() ? autograd::grad({(g * g).sum()}, {x})[0] : g};
    };
    const Tensor target = x * 1;
    CHECK(pair.f_(target).is_same(target));
    const Tensors expected = twice(pair.f(x * 1)), found = twice(target);
    for (size_t i = 0; i < expected.size(); ++i) CHECK(allclose(found[i], expected[i], 1e-12, 1e-12));
  }
  expect_error("silu_: x [2] is a leaf that requires grad", [] { silu_(ones({2}).requires_grad_()); });
}

TEST_CASE("relu_ and clamp_ write in place and are recorded") {
  const Tensor x = tensor({-1., 2., 3.}).requires_grad_();
  const Tensor y = x * 2;
  y.clamp_(-1, 5);
  y.relu_();
  CHECK(equal(y.detach(), tensor({0., 4., 5.})));
  y.backward(tensor({1., 1., 1.}));
  CHECK(equal(x.grad(), tensor({0., 2., 0.})));
  expect_error("relu_: x [3] is a leaf that requires grad", [&] { x.relu_(); });
  CHECK(equal(tensor({-1, 5}).relu_(), tensor({0, 5})));
}
