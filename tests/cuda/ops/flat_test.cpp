#include <kiln/kernels/flat/flat.h>

#include <doctest/doctest.h>

#include <cmath>

#include <kiln/kernels/elementwise/copy.h>
#include <kiln/kernels/flat/loss_scale.h>
#include <kiln/tensor/base/error.h>

#include "../both.h"

using namespace kiln;
using test::bits_equal, test::close;

namespace {

Tensor numbers(int64_t count, DType dtype) {
  const Tensor reals = empty({count}, {.dtype = float64});
  for (int64_t i = 0; i < count; ++i) reals.data<double>()[i] = double((i * 7919) % 1013 - 500) / 256;
  const Tensor x = empty({count}, {.dtype = dtype});
  kernels::copy(CpuContext::current(), reals, x);
  return x;
}

std::vector<kernels::FlatSpan> spans_of(const Tensors& xs) {
  std::vector<kernels::FlatSpan> spans;
  for (const Tensor& x : xs) spans.push_back({x.raw_data(), x.dtype(), x.numel()});
  return spans;
}

// The stretches of each row, of all floating types, some misaligned, some empty, more than one launch takes.
std::vector<Tensors> rows() {
  std::vector<Tensors> result{{}, {numbers(0, float32)}};
  for (const DType dtype : {float32, float64, float16, bfloat16})
    result.push_back({numbers(1, dtype), numbers(20000, dtype), numbers(0, dtype), numbers(37, dtype)});
  const Tensor base = numbers(1000, float32);
  result.push_back({from_storage(base.impl()->storage, float32, Layout{{997}, {1}, 3}),
                    numbers(8192, bfloat16), numbers(8193, bfloat16)});
  Tensors many;
  for (int i = 0; i < 150; ++i) many.push_back(numbers(i % 7, float32));
  result.push_back(many);
  return result;
}

Tensors copies(const Tensors& xs) {
  Tensors result;
  for (const Tensor& x : xs) result.push_back(test::on_cpu(x));
  return result;
}

// f on the CPU and on the GPU over the same stretches; `out` is written too.
template <class F>
void check_flat(const Tensors& xs, const Tensor& out, double rtol, F&& f) {
  Tensors all = copies(xs);
  all.push_back(out);
  const Tensors gpu = test::run_on_both(all, [&](auto& ctx, const Tensors& t) {
    const std::vector<kernels::FlatSpan> spans = spans_of(Tensors(t.begin(), t.end() - 1));
    f(ctx, spans, t.back());
  });
  for (size_t i = 0; i + 1 < all.size(); ++i) REQUIRE(close(gpu[i], all[i], rtol));
  REQUIRE(close(gpu.back(), all.back(), 1e-12));
}

}  // namespace

TEST_CASE("norms of flat memory on the device") {
  for (const Tensors& xs : rows())
    for (const double p : {1.0, 2.0, 3.0, 0.5, double(INFINITY)})
      check_flat(xs, empty({}, {.dtype = float64}), 0,
                 [p](auto& ctx, kernels::FlatSpans spans, const Tensor& norm) {
                   kernels::flat_norm(ctx, spans, p, norm);
                 });
}

TEST_CASE("clipping flat memory on the device") {
  for (const Tensors& xs : rows()) {
    for (const double most : {0.5, 1e6})
      check_flat(xs, empty({}, {.dtype = float64}), 1e-2,
                 [=](auto& ctx, kernels::FlatSpans spans, const Tensor& norm) {
                   kernels::flat_norm(ctx, spans, 2, norm);
                   kernels::flat_clip_norm(ctx, spans, most, norm);
                 });
    check_flat(xs, tensor(0.0), 0, [](auto& ctx, kernels::FlatSpans spans, const Tensor&) {
      kernels::flat_clamp(ctx, spans, -0.25, 1);
    });
    check_flat(xs, tensor(0.0), 0,
               [](auto& ctx, kernels::FlatSpans spans, const Tensor&) { kernels::flat_zero(ctx, spans); });
  }
}

TEST_CASE("unscaling flat memory on the device") {
  const Tensor scale = tensor(8.0f);
  const auto unscale = [&](auto& ctx, kernels::FlatSpans spans, const Tensor& found) {
    const Tensor here = found.device().is_cpu() ? scale : test::on_cuda(scale);
    kernels::flat_unscale(ctx, spans, here, found);
  };
  for (const Tensors& xs : rows()) check_flat(xs, from_values<int32_t>(std::vector{0}, {}), 0, unscale);
  for (const double odd : {double(INFINITY), double(NAN)}) {
    const Tensor x = numbers(9000, float32);
    x.data<float>()[8500] = float(odd);
    check_flat({numbers(10, float16), x}, from_values<int32_t>(std::vector{0}, {}), 0, unscale);
  }
  check_flat({numbers(10, float32)}, from_values<int32_t>(std::vector{1}, {}), 0, unscale);
}

TEST_CASE("the rule of the loss scale on the device") {
  const kernels::LossScaleRule rule{2, 0.5, 2};
  for (const float scale : {4.0f, 3e38f})
    for (const int tracker : {0, 1})
      for (const int found : {0, 1}) {
        const Tensors state = {tensor(scale), from_values<int32_t>(std::vector{tracker}, {}),
                               from_values<int32_t>(std::vector{found}, {})};
        const Tensors gpu = test::run_on_both(state, [&](auto& ctx, const Tensors& t) {
          kernels::update_loss_scale(ctx, rule, t[0], t[1], t[2]);
        });
        for (size_t i = 0; i < state.size(); ++i) CHECK(bits_equal(gpu[i], state[i]));
      }
}

TEST_CASE("infinities and NaN in flat memory on the device") {
  for (const DType dtype : {float32, float64, float16, bfloat16}) {
    for (const double odd : {double(INFINITY), -double(INFINITY), double(NAN), 0.0}) {
      const Tensor x = numbers(9000, dtype);
      kernels::copy(CpuContext::current(), from_values<double>(std::vector{odd}, {}),
                    from_storage(x.impl()->storage, dtype, Layout{{}, {}, 8500}));
      const auto finite = [](auto& ctx, kernels::FlatSpans spans, const Tensor& out) {
        kernels::flat_all_finite(ctx, spans, out);
      };
      check_flat({numbers(10, float32), x}, tensor(false), 0, finite);
      for (const double p : {2.0, double(INFINITY)})
        check_flat({x, numbers(5, float32)}, empty({}, {.dtype = float64}), 1e-2,
                   [p](auto& ctx, kernels::FlatSpans spans, const Tensor& norm) {
                     kernels::flat_norm(ctx, spans, p, norm);
                     kernels::flat_clip_norm(ctx, spans, 1, norm);
                   });
    }
  }
  const Tensor counts = test::on_cuda(empty({3}, {.dtype = int64}));
  const std::vector<kernels::FlatSpan> wrong = spans_of({counts});
  CHECK_THROWS_WITH_AS(kernels::flat_clamp(CudaContext::current(), wrong, 0, 1),
                       "clip_grad_value_: needs a floating-point tensor, got int64", Error);
}
