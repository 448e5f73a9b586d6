#include <kiln/kernels/flat/optimizer.h>

#include <doctest/doctest.h>

#include <kiln/kernels/elementwise/copy.h>
#include <kiln/tensor/cuda/copy.h>
#include <kiln/tensor/cuda/graph.h>

#include "../both.h"

using namespace kiln;
using test::close;

namespace {

enum { kParam, kGrad, kMaster, kState0, kState1, kState2, kTensors };

Tensor numbers(int64_t count, DType dtype, int seed, double low) {
  const Tensor reals = empty({count}, {.dtype = float64});
  for (int64_t i = 0; i < count; ++i)
    reals.data<double>()[i] = low + double(((i + seed) * 7919) % 1013) / 1013 * (low < 0 ? -2 * low : 1);
  const Tensor x = empty({count}, {.dtype = dtype});
  kernels::copy(CpuContext::current(), reals, x);
  return x;
}

// Parameter, gradient, master and three states of positive numbers.
Tensors memory(int64_t count, DType dtype) {
  const bool half = size_of(dtype) == 2;
  const DType accumulate = half ? float32 : dtype;
  Tensors t{numbers(count, dtype, 0, -1), numbers(count, dtype, 5, -0.5)};
  const Tensor master = empty({count});
  kernels::copy(CpuContext::current(), t[kParam], master);
  t.push_back(master);
  for (int s = 0; s < 3; ++s) t.push_back(numbers(count, accumulate, 11 * s, 0));
  return t;
}

kernels::StepRun run_of(const Tensors& t, int64_t begin = 0) {
  const auto at = [&](int i) {
    return static_cast<char*>(t[size_t(i)].raw_data()) + begin * size_of(t[size_t(i)].dtype());
  };
  const DType dtype = t[kParam].dtype();
  float* master = size_of(dtype) == 2 ? reinterpret_cast<float*>(at(kMaster)) : nullptr;
  return {dtype,      t[kParam].numel() - begin,
          at(kParam), at(kGrad),
          master,     {at(kState0), at(kState1), at(kState2)}};
}

double tolerance(DType dtype) { return dtype == float64 ? 1e-12 : dtype == float32 ? 1e-5 : 1e-2; }

template <class F>
void check_step(F&& f) {
  for (const DType dtype : {float32, float64, float16, bfloat16}) {
    for (const int64_t count : {0, 1, 7, 1024, 3001}) {
      for (const int64_t begin : {0, 1}) {  // 1: no pack is aligned
        if (begin > count) continue;
        CAPTURE(int(dtype));
        CAPTURE(count);
        const Tensors t = memory(count, dtype);
        const Tensors gpu =
            test::run_on_both(t, [&](auto& ctx, const Tensors& m) { f(ctx, run_of(m, begin)); });
        for (int i = 0; i < kTensors; ++i)
          REQUIRE(close(gpu[size_t(i)], t[size_t(i)],
                        i == kParam ? tolerance(dtype) : tolerance(t[size_t(i)].dtype()), 1e-6));
      }
    }
  }
}

}  // namespace

TEST_CASE("SGD steps on the device") {
  const kernels::SgdRule rules[] = {{.lr = 0.1},
                                    {.lr = 0.1, .weight_decay = 0.01, .maximize = true},
                                    {.lr = 0.1, .momentum = 0.9, .first = true},
                                    {.lr = 0.1, .momentum = 0.9, .dampening = 0.1, .weight_decay = 0.01},
                                    {.lr = 0.1, .momentum = 0.9, .nesterov = true},
                                    {.lr = 0.1, .momentum = 0.9, .nesterov = true, .first = true}};
  for (const kernels::SgdRule& rule : rules)
    check_step([&](auto& ctx, const kernels::StepRun& run) { kernels::sgd_step(ctx, rule, run); });
}

TEST_CASE("Adam steps on the device") {
  const kernels::AdamRule base{.lr = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .step = 3};
  for (const bool amsgrad : {false, true}) {
    for (const bool decoupled : {false, true}) {
      kernels::AdamRule rule = base;
      rule.amsgrad = amsgrad;
      rule.decoupled = decoupled;
      rule.weight_decay = decoupled ? 0.1 : 0.01;
      rule.maximize = amsgrad;
      check_step([&](auto& ctx, const kernels::StepRun& run) { kernels::adam_step(ctx, rule, run); });
    }
  }
}

TEST_CASE("masters follow parameters on the device") {
  for (const DType dtype : {float16, bfloat16}) {
    const Tensors t = memory(1000, dtype);
    t[kMaster].data<float>()[3] += 1e-7f;  // rounds to the same
    t[kMaster].data<float>()[4] += 1;
    const Tensors gpu = test::run_on_both(t, [&](auto& ctx, const Tensors& m) {
      kernels::sync_master(ctx, dtype, 1000, m[kParam].raw_data(),
                           static_cast<float*>(m[kMaster].raw_data()));
    });
    CHECK(test::bits_equal(gpu[kMaster], t[kMaster]));
  }
}

TEST_CASE("a captured optimizer step counts on") {
  const Tensors cpu = memory(500, float32);
  Tensors gpu;
  for (const Tensor& x : cpu) gpu.push_back(test::on_cuda(x));
  const kernels::StepNumbers start{1e-3, 0.9, 0};
  const Ref<Storage> numbers = Storage::allocate(sizeof start, DeviceType::cuda);
  cuda::copy_bytes(numbers->data, numbers->device, &start, kiln::cpu, sizeof start);
  kernels::AdamRule rule{.lr = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
  kernels::AdamRule captured = rule;
  captured.lr = captured.beta1 = 0;
  captured.numbers = static_cast<const kernels::StepNumbers*>(numbers->data);
  cuda::Graph graph;
  graph.capture([&] {
    CudaContext& ctx = CudaContext::current();
    kernels::advance_step(ctx, static_cast<kernels::StepNumbers*>(numbers->data));
    kernels::adam_step(ctx, captured, run_of(gpu));
  });
  for (rule.step = 1; rule.step <= 4; ++rule.step) {
    graph.replay();
    kernels::adam_step(CpuContext::current(), rule, run_of(cpu));
  }
  for (int i = 0; i < kTensors; ++i) CHECK(close(test::on_cpu(gpu[size_t(i)]), cpu[size_t(i)], 1e-5, 1e-7));
}
