#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <kiln/autograd/ops.h>
#include <kiln/kernels/flat/flat.h>
#include <kiln/optim/clip_grad.h>
#include <kiln/optim/sgd.h>
#include <kiln/tensor/base/error.h>
#include <kiln/tensor/device/context.h>

#include <support/device.h>

using namespace kiln;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Uneven values in [-2, 2).
Tensor noise(const Shape& shape, DType dtype) {
  std::vector<double> values;
  uint32_t state = 1;
  for (int64_t i = 0; i < numel(shape); ++i) {
    state = state * 1664525u + 1013904223u;
    values.push_back(double(state) / 0x1p30 - 2);
  }
  return from_values(values, shape).to(dtype);
}

Tensors params_with_grads(DType dtype) {
  Tensors params;
  for (const Shape& shape : {Shape{3, 50000}, Shape{}, Shape{0, 2}, Shape{7, 5}}) {
    params.push_back(zeros(shape, {.dtype = dtype}).requires_grad_());
    params.back().set_grad(noise(shape, dtype));
  }
  params.push_back(zeros({2}).requires_grad_());                       // without a gradient
  params.push_back(zeros({4, 3}, {.dtype = dtype}).requires_grad_());  // one that is not dense
  params.back().set_grad(noise({4, 6}, dtype).slice(1, 0, 6, 2));
  return params;
}

double naive_norm(const Tensors& params, double p) {
  double total = 0;
  for (const Tensor& param : params)
    if (param.grad().defined())
      for (const double g : param.grad().to_vector<double>())
        total = std::isinf(p) ? std::max(total, std::abs(g)) : total + std::pow(std::abs(g), p);
  return std::isinf(p) ? total : std::pow(total, 1 / p);
}

Tensors grads_of(const Tensors& params) {
  Tensors grads;
  for (const Tensor& param : params)
    grads.push_back(param.grad().defined() ? param.grad().clone() : Tensor());
  return grads;
}

}  // namespace

TEST_CASE("clip_grad_norm_ scales to the norm and returns the norm before") {
  for (const DType dtype : {float32, float64, float16, bfloat16})
    for (const double p : {2.0, 1.0, 3.5, kInfinity})
      for (const double max_norm : {0.5, 1e9}) {
        const Tensors params = params_with_grads(dtype);
        const Tensors before = grads_of(params);
        const double want = naive_norm(params, p);
        CAPTURE(p);
        CHECK(optim::clip_grad_norm_(params, max_norm, p).item<double>() ==
              doctest::Approx(want).epsilon(1e-12));
        const double factor = std::min(1.0, max_norm / (want + 1e-6));
        for (size_t i = 0; i < params.size(); ++i)
          if (before[i].defined())
            CHECK(allclose(params[i].grad(), before[i] * factor, size_of(dtype) == 2 ? 1e-2 : 1e-6,
                           size_of(dtype) == 2 ? 1e-7 : 1e-8));
      }
}

TEST_CASE("clip_grad_norm_ without gradients, and with bad ones") {
  const Tensor a = zeros({2}).requires_grad_();
  CHECK(optim::clip_grad_norm_({a}, 1).item<double>() == 0);
  a.set_grad(tensor({3.0, double(NAN)}));
  CHECK(!optim::grads_are_finite({a}));
  CHECK_THROWS_AS(optim::clip_grad_norm_({a}, 1, 2, true), Error);
  CHECK(a.grad()[0].item<float>() == 3);
  for (const double p : {2.0, kInfinity})
    CHECK(std::isnan(optim::clip_grad_norm_({a}, 1e9, p).item<double>()));
  CHECK(std::isnan(a.grad()[0].item<float>()));
  a.set_grad(tensor({3.0, kInfinity}));
  CHECK(!optim::grads_are_finite({a}));
  CHECK(optim::clip_grad_norm_({a}, 1, kInfinity).item<double>() == kInfinity);
  CHECK(a.grad()[0].item<float>() == 0);
  a.set_grad(tensor({3.0, 4.0}));
  CHECK(optim::grads_are_finite({a}));
  CHECK_THROWS_WITH_AS(optim::clip_grad_norm_({a}, 1, 0), "clip_grad_norm_: norm_type 0 must be above 0",
                       Error);
  CHECK_THROWS_AS(optim::clip_grad_norm_({a}, -1), Error);
}

TEST_CASE("clip_grad_value_ clamps in place, in the optimiser's memory too") {
  const Tensor a = zeros({4}).requires_grad_();
  optim::SGD opt({a}, {.lr = 1});
  a.backward(tensor({-3.0, 0.25, 5.0, double(NAN)}));
  optim::clip_grad_value_({a}, 0.5);
  CHECK(a.grad()[0].item<float>() == -0.5);
  CHECK(a.grad()[1].item<float>() == 0.25);
  CHECK(a.grad()[2].item<float>() == 0.5);
  CHECK(std::isnan(a.grad()[3].item<float>()));
  opt.step();
  CHECK(a[2].item<float>() == -0.5);
  CHECK_THROWS_AS(optim::clip_grad_value_({a}, -1), Error);
}

TEST_CASE("norms do not depend on the number of threads") {
  const test::FactoryDevice scope(cpu);
  const Tensor x = noise({300001}, float32);
  const kernels::FlatSpan spans[] = {{x.raw_data(), float32, 123457},
                                     {x.data<float>() + 123457, float32, 300001 - 123457}};
  const Tensor norm = empty({}, {.dtype = float64});
  double first = 0;
  for (const int threads : {1, 2, 3, 7}) {
    CpuContext context{threads};
    kernels::flat_norm(context, spans, 2, norm);
    if (threads == 1) first = norm.item<double>();
    CHECK(norm.item<double>() == first);
  }
}
