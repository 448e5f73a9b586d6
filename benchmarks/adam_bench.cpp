// What an optimiser's step costs. bytes_per_second counts what a step must move: per float32 parameter 28
// bytes for Adam, 20 for SGD with momentum, 12 without; `copy` is the machine's own bandwidth beside it.

#include <benchmark/benchmark.h>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/optim/optim.h>

namespace {

using namespace kiln;

// Parameters of equal size whose gradients are where backward leaves them.
Tensors make_params(int64_t count, int64_t size) {
  Tensors params;
  for (int64_t i = 0; i < count; ++i) params.push_back(full({size}, 0.5, {}).requires_grad_());
  return params;
}

void run(benchmark::State& state, optim::Optimizer& opt, int64_t bytes) {
  int64_t elements = 0;
  for (const Tensor& param : opt.params()) {
    param.backward(full(param.shape(), 0.01, {}));
    elements += param.numel();
  }
  opt.step();  // makes the state
  for (auto _ : state) opt.step();
  state.SetBytesProcessed(int64_t(state.iterations()) * elements * bytes);
}

void adam(benchmark::State& state) {
  optim::Adam opt(make_params(state.range(0), state.range(1)));
  run(state, opt, 28);
}

void sgd(benchmark::State& state) {
  optim::SGD opt(make_params(state.range(0), state.range(1)));
  run(state, opt, 12);
}

void sgd_momentum(benchmark::State& state) {
  optim::SGD opt(make_params(state.range(0), state.range(1)), {.momentum = 0.9});
  run(state, opt, 20);
}

void clip_grad_norm(benchmark::State& state) {
  const Tensors params = make_params(state.range(0), state.range(1));
  for (const Tensor& param : params) param.set_grad(full(param.shape(), 0.01, {}));
  for (auto _ : state) benchmark::DoNotOptimize(optim::clip_grad_norm_(params, 1e9));
  state.SetBytesProcessed(int64_t(state.iterations()) * state.range(0) * state.range(1) * 4);
}

void copy(benchmark::State& state) {
  const Tensor from = full({state.range(0)}, 0.5, {}), to = full({state.range(0)}, 0.5, {});
  const NoGrad guard;
  for (auto _ : state) to.copy_(from);
  state.SetBytesProcessed(int64_t(state.iterations()) * from.numel() * 8);
}

// A large model of five tensors, one like ResNet-18 in sixty, the four tiny ones of an MLP.
void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"tensors", "size"})->Args({5, 5'000'000})->Args({60, 190'000})->Args({4, 3})->UseRealTime();
}
BENCHMARK(adam)->Apply(sizes);
BENCHMARK(sgd)->Apply(sizes);
BENCHMARK(sgd_momentum)->Apply(sizes);
BENCHMARK(clip_grad_norm)->Apply(sizes);
BENCHMARK(copy)->Arg(50'000'000)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
