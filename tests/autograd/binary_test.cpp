#include <doctest/doctest.h>
#include <support/check_op.h>

#include <cmath>
#include <limits>

using namespace kiln;
using namespace kiln::test;

namespace {

struct Row {
  std::vector<Shape> shapes;
};

struct OpRow {
  const char* name;
  std::function<Tensor(const Tensor&, const Tensor&)> op;
  double (*reference)(double, double);
  double low = -2, high = 2;
  bool differentiable = true;
};

double floor_mod(double a, double b) { return a - std::floor(a / b) * b; }

const std::vector<OpRow> kOps = {
    {"add", [](const Tensor& a, const Tensor& b) { return a + b; }, [](double a, double b) { return a + b; }},
    {"sub", [](const Tensor& a, const Tensor& b) { return a - b; }, [](double a, double b) { return a - b; }},
    {"mul", [](const Tensor& a, const Tensor& b) { return a * b; }, [](double a, double b) { return a * b; }},
    {"div", [](const Tensor& a, const Tensor& b) { return a / b; }, [](double a, double b) { return a / b; },
     0.5, 3},
    {"add, alpha", [](const Tensor& a, const Tensor& b) { return add(a, b, 3); },
     [](double a, double b) { return a + 3 * b; }},
    {"sub, alpha", [](const Tensor& a, const Tensor& b) { return sub(a, b, 0.5); },
     [](double a, double b) { return a - 0.5 * b; }},
    {"pow", [](const Tensor& a, const Tensor& b) { return pow(a, b); },
     [](double a, double b) { return std::pow(a, b); }, 0.3, 2.5},
    {"maximum", [](const Tensor& a, const Tensor& b) { return maximum(a, b); },
     [](double a, double b) { return std::max(a, b); }},
    {"minimum", [](const Tensor& a, const Tensor& b) { return minimum(a, b); },
     [](double a, double b) { return std::min(a, b); }},
    {"remainder", [](const Tensor& a, const Tensor& b) { return remainder(a, b * 0.01 + 1); },
     [](double a, double b) { return floor_mod(a, b * 0.01 + 1); }, 0.1, 0.9},
    {"floor_divide", [](const Tensor& a, const Tensor& b) { return floor_divide(a, b); },
     [](double a, double b) { return std::floor(a / b); }, 0.5, 3, false},
};

// Element by element over the broadcast shape.
Tensor naive(const Tensor& a, const Tensor& b, double (*f)(double, double)) {
  const Shape shape = broadcast_shapes("naive", a.shape(), b.shape());
  const std::vector<double> x = a.expand(shape).to_vector<double>(), y = b.expand(shape).to_vector<double>();
  std::vector<double> z;
  for (size_t i = 0; i < x.size(); ++i) z.push_back(f(x[i], y[i]));
  return from_values(z, shape);
}

}  // namespace

TEST_CASE("binary ops: reference, broadcasting, types, layouts, gradients") {
  for (const OpRow& row : kOps)
    check_op<Row>({
        .name = row.name,
        .op = [&](const Tensors& in, const Row&) { return row.op(in[0], in[1]); },
        .reference = [&](const Tensors& in, const Row&) { return naive(in[0], in[1], row.reference); },
        .rows = {{{{4, 5}, {4, 5}}},
                 {{{4, 5}, {5}}},
                 {{{4, 1}, {3, 1, 5}}},
                 {{{}, {2, 3}}},
                 {{{2, 3}, {}}},
                 {{{}, {}}},
                 {{{2, 3, 4, 5}, {3, 1, 1}}},
                 {{{0, 3}, {3}}},
                 {{{1, 3}, {0, 3}}},
                 {{{2053}, {2053}}},
                 {{{3, 700}, {3, 1}}}},
        .errors = {{{{{2, 3}, {4}}}, "shapes [2,3] and [4] do not broadcast"}},
        .low = row.low,
        .high = row.high,
        .first_derivative = row.differentiable,
        .dtypes = {float32},
        .tolerance = row.differentiable ? 2. : 1e6,  // a rounded quotient may cross an integer
    });
}

TEST_CASE("binary ops: numbers") {
  const Tensor x = tensor({1., 2., 4.}).to(float64);
  const auto expect = [](const Tensor& y, const std::vector<double>& values) {
    expect_close(y, from_values(values, {int64_t(values.size())}), 1e-15, 0, "number");
  };
  expect(x + 1, {2, 3, 5});
  expect(1 + x, {2, 3, 5});
  expect(x - 1, {0, 1, 3});
  expect(1 - x, {0, -1, -3});
  expect(x * 0.1, {0.1, 0.2, 0.4});
  expect(x / 4, {0.25, 0.5, 1});
  expect(4 / x, {4, 2, 1});
  expect(pow(x, 2), {1, 4, 16});
  expect(pow(x, 0.5), {1, std::sqrt(2.), 2});
  expect(pow(x, -1), {1, 0.5, 0.25});
  expect(pow(x, -0.5), {1, std::sqrt(0.5), 0.5});
  expect(pow(x, 3), {1, 8, 64});
  expect(pow(x, 0), {1, 1, 1});
  expect(pow(2, x), {2, 4, 16});
  expect(-x, {-1, -2, -4});
}

TEST_CASE("binary ops with numbers: gradients") {
  struct Case {
    const char* name;
    Tensor (*op)(const Tensor&);
  };
  const Case cases[] = {
      {"add", [](const Tensor& x) { return x + 2; }},
      {"sub", [](const Tensor& x) { return x - 2; }},
      {"rsub", [](const Tensor& x) { return 2 - x; }},
      {"mul", [](const Tensor& x) { return x * 3; }},
      {"div", [](const Tensor& x) { return x / 3; }},
      {"rdiv", [](const Tensor& x) { return 3 / x; }},
      {"pow 3", [](const Tensor& x) { return pow(x, 3); }},
      {"pow 2", [](const Tensor& x) { return pow(x, 2); }},
      {"pow 1.7", [](const Tensor& x) { return pow(x, 1.7); }},
      {"pow 0", [](const Tensor& x) { return pow(x, 0) * x; }},
      {"pow -0.5", [](const Tensor& x) { return pow(x, -0.5); }},
      {"rpow", [](const Tensor& x) { return pow(2, x); }},
      {"self", [](const Tensor& x) { return x * x / (x + x); }},
  };
  for (const Case& c : cases)
    check_op<Row>({.name = c.name,
                   .op = [&](const Tensors& in, const Row&) { return c.op(in[0]); },
                   .rows = {{{{3, 4}}}, {{{}}}},
                   .low = 0.5,
                   .high = 2,
                   .dtypes = {float32},
                   .tolerance = 2});
}

TEST_CASE("pow: the gradients at zero are PyTorch's") {
  const Tensor x = tensor({0., 0., 0., 2.}).to(float64).requires_grad_();
  const Tensor e = tensor({0., 1., 2., 0.}).to(float64).requires_grad_();
  pow(x, e).backward(ones({4}, {.dtype = float64}));
  CHECK(equal(x.grad(), tensor({0., 1., 0., 0.}).to(float64)));
  CHECK(allclose(e.grad(), tensor({0., 0., 0., std::log(2.)}).to(float64)));
}

TEST_CASE("maximum and minimum: ties share the gradient, NaN wins") {
  const Tensor a = tensor({1., 2., 3.}).requires_grad_(), b = tensor({1., 5., 0.}).requires_grad_();
  maximum(a, b).backward(tensor({1., 1., 1.}));
  CHECK(equal(a.grad(), tensor({0.5, 0., 1.})));
  CHECK(equal(b.grad(), tensor({0.5, 1., 0.})));
  CHECK(maximum(tensor({NAN, 1.f}), tensor({1.f, NAN})).to_vector<float>()[0] != 1);
  CHECK(isnan(minimum(tensor({NAN, 1.f}), tensor({1.f, NAN}))).to_vector<bool>() ==
        std::vector<bool>{true, true});
}

TEST_CASE("promotion is PyTorch's") {
  struct Case {
    DType a;
    bool a_dims;
    DType b;
    bool b_dims;
    DType result;
  };
  // torch.result_type(torch.ones([2] or [], dtype=a), torch.ones([2] or [], dtype=b)), PyTorch 1.13
  const Case cases[] = {
      {int64, true, float32, false, float32},    {float16, true, float32, false, float16},
      {float16, true, float32, true, float32},   {int8, true, int64, false, int8},
      {uint8, true, int8, true, int16},          {bool8, true, int64, false, int64},
      {bool8, true, uint8, true, uint8},         {int64, true, float16, true, float16},
      {float32, false, float64, false, float64}, {float32, true, float64, false, float32},
      {bfloat16, true, float16, true, float32},  {int32, false, int64, false, int64},
      {float32, true, int64, true, float32},     {int64, false, int8, true, int8},
  };
  for (const Case& c : cases) {
    const Tensor a = ones(c.a_dims ? Shape{2} : Shape{}, {.dtype = c.a});
    const Tensor b = ones(c.b_dims ? Shape{2} : Shape{}, {.dtype = c.b});
    CHECK((a + b).dtype() == c.result);
    CHECK((b * a).dtype() == c.result);
  }
  const Tensor i = tensor({7, -7}), f = ones({2}, {.dtype = float16}), t = tensor({true, false});
  CHECK((i + 1.5).dtype() == float32);
  CHECK((i + 1).dtype() == int64);
  CHECK((f + 1.5).dtype() == float16);
  CHECK((t + 1).dtype() == int64);
  CHECK((t + true).dtype() == bool8);
  CHECK((t * 1.5).dtype() == float32);
  CHECK((i / 2).dtype() == float32);
  CHECK(equal(i / 2, tensor({3.5, -3.5})));
  CHECK(equal(t + t, t));
  CHECK(equal(t * t, t));
  CHECK((ones({2}, {.dtype = uint8}) + 1.5).dtype() == float32);
}

TEST_CASE("integers: rounding down, wrapping, errors") {
  const Tensor a = tensor({7, -7, 7, -7}), b = tensor({2, 2, -2, -2});
  CHECK(equal(floor_divide(a, b), tensor({3, -4, -4, 3})));
  CHECK(equal(remainder(a, b), tensor({1, 1, -1, -1})));
  CHECK(equal(pow(tensor({2, -3, 0}), 3), tensor({8, -27, 0})));
  CHECK(equal(pow(tensor({2, 1, -1, -1}), tensor({-1, -5, -3, -2})), tensor({0, 1, -1, 1})));
  for (const DType dtype : {int64, int32, int16, int8}) {
    const int64_t most = int64_t(~uint64_t(0) >> (65 - 8 * size_of(dtype)));
    const Tensor top = full({3}, most, {.dtype = dtype}), least = full({3}, -most - 1, {.dtype = dtype});
    CHECK(equal(top + 1, least));
    CHECK(equal(least - 1, top));
    CHECK(equal(top * 2, full({3}, -2, {.dtype = dtype})));
    CHECK(equal(floor_divide(least, full({3}, -1, {.dtype = dtype})), least));
    CHECK(equal(remainder(least, full({3}, -1, {.dtype = dtype})), zeros_like(least)));
  }
  const Tensor u = full({2}, 250, {.dtype = uint8});
  CHECK(equal(u + 10, full({2}, 4, {.dtype = uint8})));
  CHECK(equal(u * u, full({2}, 36, {.dtype = uint8})));
  expect_error("floor_divide: an integer is divided by zero", [&] { floor_divide(a, tensor({1, 0, 1, 1})); });
  expect_error("remainder: an integer is divided by zero", [&] { remainder(a, tensor(0)); });
  expect_error("pow: integers cannot be raised to the negative power -2", [&] { pow(a, -2); });
  expect_error("sub: bool tensors cannot be subtracted", [] { tensor({true}) - tensor({false}); });
  expect_error("alpha 0.5 is fractional", [&] { add(a, b, 0.5); });
  expect_error("floor_divide: bool", [] { floor_divide(tensor({true}), tensor({true})); });
}

TEST_CASE("binary ops: errors name the op") {
  const Tensor x = ones({2});
  expect_error("add: b is an undefined tensor", [&] { x + Tensor(); });
  expect_error("mul: a is an undefined tensor", [&] { Tensor() * x; });
  expect_error("complex64, which is storage only", [&] { x + empty({2}, {.dtype = DType::complex64}); });
  expect_error("complex64, which is storage only", [&] {
    const Tensor c = empty({2}, {.dtype = DType::complex64});
    c* c;
  });
}

TEST_CASE("in place: values, gradients, refusals") {
  const Tensor x = tensor({1., 2., 3.}).to(float64);
  const Tensor y = x.clone();
  y += x;
  y -= 1;
  y *= tensor({2., 2., 2.});
  y /= 4;
  CHECK(equal(y, tensor({0.5, 1.5, 2.5}).to(float64)));
  y.add_(x, 2).sub_(x, 0.5);
  CHECK(equal(y, tensor({2., 4.5, 7.}).to(float64)));
  expect_error("add_: result type float32 can't be cast to int64", [] {
    tensor({1, 2}) += tensor({1.f, 2.f});
  });
  expect_error("div_: result type float32 can't be cast to int64", [] { tensor({1, 2}) /= 2; });
  expect_error("mul_: result type int64 can't be cast to bool", [] { tensor({true}) *= 2; });
  expect_error("add_: the result has shape [2,3], which x [3] cannot hold", [] {
    ones({3}) += ones({2, 3});
  });
  expect_error("add_: x [4,3] with strides [0,1] reaches one element", [] { ones({3}).expand({4, 3}) += 1; });
  expect_error("leaf that requires grad", [] { ones({3}).requires_grad_() += 1; });
  const Tensor half = ones({2}, {.dtype = float16});
  half += ones({2});
  CHECK(equal(half, full({2}, 2, {.dtype = float16})));
  const Tensor small = tensor({1, 2}).to(int8);
  small += tensor({300, 1});
  CHECK(equal(small, tensor({45, 3}).to(int8)));
}

TEST_CASE("in place: operands that share memory") {
  const Tensor x = arange(6).to(float64);
  const Tensor y = x.clone();
  y += y;
  CHECK(equal(y, x * 2));
  y *= y;
  CHECK(equal(y, x * x * 4));
  const Tensor z = arange(6).to(float64);
  z.narrow(0, 1, 5) += z.narrow(0, 0, 5);
  CHECK(equal(z, tensor({0., 1., 3., 5., 7., 9.}).to(float64)));
  const Tensor m = arange(9).reshape({3, 3}).to(float64), t = m.clone().t().contiguous();
  m += m.t();
  CHECK(equal(m, arange(9).reshape({3, 3}).to(float64) + t));
}

TEST_CASE("in place: gradients") {
  struct Case {
    const char* name;
    std::function<void(const Tensor& y, const Tensor& b)> write;
  };
  const Case cases[] = {
      {"add_", [](const Tensor& y, const Tensor& b) { y.add_(b, 2); }},
      {"sub_", [](const Tensor& y, const Tensor& b) { y.sub_(b); }},
      {"mul_", [](const Tensor& y, const Tensor& b) { y.mul_(b); }},
      {"div_", [](const Tensor& y, const Tensor& b) { y.div_(b); }},
      {"numbers", [](const Tensor& y, const Tensor&) { y.add_(2).mul_(3).sub_(1).div_(2); }},
      {"self", [](const Tensor& y, const Tensor& b) { y.mul_(y).add_(y).div_(b).sub_(y, 0.5); }},
      {"view", [](const Tensor& y, const Tensor& b) { y.narrow(0, 0, 2).mul_(b.select(-1, 0).sum()); }},
      {"copy_", [](const Tensor& y,
                   const Tensor& b) { y.narrow(0, 1, 1).copy_(b.narrow(0, 0, 1).select(-1, 0).sum()); }},
      {"fill_",
       [](const Tensor& y, const Tensor& b) {
         y.narrow(0, 0, 1).fill_(3);
         y.mul_(b);
       }},
      {"clamp_", [](const Tensor& y, const Tensor& b) { y.mul_(b).clamp_(0.6, 1.1); }},
      {"masked_fill_", [](const Tensor& y, const Tensor& b) { y.masked_fill_(b.detach() > 1, 2).mul_(b); }},
  };
  for (const Case& c : cases)
    check_op<Row>({.name = c.name,
                   .op =
                       [&](const Tensors& in, const Row&) {
                         const Tensor y = in[0] * 1;
                         c.write(y, in[1]);
                         return y;
                       },
                   .rows = {{{{3, 4}, {3, 4}}}, {{{3, 4}, {4}}}},
                   .low = 0.5,
                   .high = 1.5,
                   .dtypes = {}});
}
