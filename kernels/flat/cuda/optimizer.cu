#include <kiln/kernels/flat/optimizer.h>

#include <algorithm>

#include <kiln/kernels/base/cuda/element.cuh>
#include <kiln/kernels/base/cuda/launch.cuh>

namespace kiln::kernels {
namespace {

constexpr int kThreads = 256, kPackBytes = 16, kFactors = 5;

// A run as the kernels see it: A is the type that is computed in. The halves have their value in `value` (the
// master) and store it rounded too.
template <class T>
struct Run {
  using A = device_accumulate_t<T>;
  static constexpr bool kRounds = !std::is_same_v<T, A>;
  A* value;
  T* rounded;
  const T* grad;
  A* state[3];
  int64_t count;
  const int32_t* skip;
  const int64_t* skipped;
};

template <class T>
Run<T> run_of(const StepRun& run) {
  using A = device_accumulate_t<T>;
  Run<T> r{static_cast<A*>(run.param),
           static_cast<T*>(run.param),
           static_cast<const T*>(run.grad),
           {},
           run.count,
           run.skip,
           run.skipped};
  if constexpr (Run<T>::kRounds) r.value = reinterpret_cast<A*>(run.master);
  for (int i = 0; i < 3; ++i) r.state[i] = static_cast<A*>(run.state[i]);
  return r;
}

// N neighbouring elements of what a rule reads and writes, each in one access.
template <class T, int N>
struct Elements {
  using A = device_accumulate_t<T>;
  gpu::Pack<A, N> value, state[3];
  gpu::Pack<T, N> grad;

  template <int kStates>
  __device__ __forceinline__ void read(const Run<T>& run, int64_t i) {
    grad = gpu::load(reinterpret_cast<const gpu::Pack<T, N>*>(run.grad) + i);
    value = gpu::load(reinterpret_cast<const gpu::Pack<A, N>*>(run.value) + i);
#pragma unroll
    for (int s = 0; s < kStates; ++s)
      state[s] = gpu::load(reinterpret_cast<const gpu::Pack<A, N>*>(run.state[s]) + i);
  }
  template <int kStates>
  __device__ __forceinline__ void write(const Run<T>& run, int64_t i) const {
    gpu::store(reinterpret_cast<gpu::Pack<A, N>*>(run.value) + i, value);
    if constexpr (Run<T>::kRounds) {
      gpu::Pack<T, N> rounded;
#pragma unroll
      for (int k = 0; k < N; ++k) rounded[k] = cast<T>(value[k]);
      gpu::store(reinterpret_cast<gpu::Pack<T, N>*>(run.rounded) + i, rounded);
    }
#pragma unroll
    for (int s = 0; s < kStates; ++s)
      gpu::store(reinterpret_cast<gpu::Pack<A, N>*>(run.state[s]) + i, state[s]);
  }
};

// A Rule has kStates; prepare, which one thread of a block calls with the number of steps that were left out,
// for the factors that all elements share; take, which gets them; and update(value, grad, states).
template <class T, int N, class Rule>
__global__ void __launch_bounds__(kThreads) step_kernel(Run<T> run, Rule rule) {
  using A = device_accumulate_t<T>;
  if (run.skip != nullptr && *run.skip != 0) return;
  auto& factors = gpu::shared<A[kFactors]>();
  if (threadIdx.x == 0) rule.prepare(factors, run.skipped != nullptr ? *run.skipped : 0);
  __syncthreads();
  rule.take(factors);
  const auto update = [&](auto& e, int k) {
    A states[3] = {};
#pragma unroll
    for (int s = 0; s < Rule::kStates; ++s) states[s] = e.state[s][k];
    e.value[k] = rule.update(e.value[k], cast<A>(e.grad[k]), states);
#pragma unroll
    for (int s = 0; s < Rule::kStates; ++s) e.state[s][k] = states[s];
  };
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x, packs = run.count / N;
  if (i < packs) {
    Elements<T, N> e;
    e.template read<Rule::kStates>(run, i);
#pragma unroll
    for (int k = 0; k < N; ++k) update(e, k);
    e.template write<Rule::kStates>(run, i);
  }
  const int64_t tail = packs * N + i;
  if (N > 1 && tail < run.count) {
    Elements<T, 1> e;
    e.template read<Rule::kStates>(run, tail);
    update(e, 0);
    e.template write<Rule::kStates>(run, tail);
  }
}

enum class Momentum { none, first, running };

template <class A, Momentum kMomentum>
struct Sgd {
  static constexpr int kStates = kMomentum == Momentum::none ? 0 : 1;
  const StepNumbers* numbers;
  A lr, sign, decay, momentum, fresh;
  bool decays, nesterov;

  __device__ void prepare(A* factors, int64_t) const {
    factors[0] = numbers != nullptr ? A(numbers->lr) : lr;
    factors[1] = numbers != nullptr ? A(numbers->momentum) : momentum;
  }
  __device__ void take(const A* factors) {
    lr = factors[0];
    momentum = factors[1];
  }
  __device__ __forceinline__ A update(A p, A grad, A (&state)[3]) const {
    A d = sign * grad;
    d = decays ? d + decay * p : d;
    if constexpr (kMomentum != Momentum::none) {
      const A b = kMomentum == Momentum::first ? d : momentum * state[0] + fresh * d;
      state[0] = b;
      d = nesterov ? d + momentum * b : b;
    }
    return p - lr * d;
  }
};

template <class A, bool kAmsgrad>
struct Adam {
  static constexpr int kStates = kAmsgrad ? 3 : 2;
  AdamRule rule;
  A sign, decay, beta1, beta2, fresh1, fresh2, eps, rate, scale, keep;
  bool decays;

  // One thread of a block does this, in double: 1 - beta2^step is small at first.
  __device__ void prepare(A* factors, int64_t skipped) const {
    const StepNumbers now =
        rule.numbers != nullptr ? *rule.numbers : StepNumbers{rule.lr, rule.beta1, rule.step};
    const double lr = now.lr, step = double(now.step - skipped);
    factors[0] = A(-lr / (1 - pow(now.momentum, step)));
    factors[1] = A(1 / sqrt(1 - pow(rule.beta2, step)));
    factors[2] = rule.decoupled ? A(1 - lr * rule.weight_decay) : A(1);
    factors[3] = A(now.momentum);
    factors[4] = A(1 - now.momentum);
  }
  __device__ void take(const A* factors) {
    rate = factors[0];
    scale = factors[1];
    keep = factors[2];
    beta1 = factors[3];
    fresh1 = factors[4];
  }
  __device__ __forceinline__ A update(A p, A grad, A (&state)[3]) const {
    p *= keep;
    A g = sign * grad;
    g = decays ? g + decay * p : g;
    const A m = beta1 * state[0] + fresh1 * g;
    A v = beta2 * state[1] + fresh2 * g * g;
    state[0] = m;
    state[1] = v;
    if constexpr (kAmsgrad) {
      v = v > state[2] || v != v ? v : state[2];
      state[2] = v;
    }
    return p + rate * m / (sqrt(v) * scale + eps);
  }
};

bool is_aligned(const void* p, size_t bytes) { return reinterpret_cast<uintptr_t>(p) % bytes == 0; }

template <class T, class Rule>
void step(const CudaContext& ctx, const char* op, const Run<T>& run, const Rule& rule) {
  using A = device_accumulate_t<T>;
  constexpr int kPack = kPackBytes / int(sizeof(A));
  bool aligned = is_aligned(run.value, kPackBytes) && is_aligned(run.grad, kPack * sizeof(T)) &&
                 is_aligned(run.rounded, kPack * sizeof(T));
  for (int s = 0; s < Rule::kStates; ++s) aligned = aligned && is_aligned(run.state[s], kPackBytes);
  if (run.count == 0) return;
  if (aligned)
    launch(ctx, op, step_kernel<T, kPack, Rule>,
           {.grid = blocks_for(std::max<int64_t>(run.count / kPack, 1), kThreads), .block = kThreads}, run,
           rule);
  else
    launch(ctx, op, step_kernel<T, 1, Rule>, {.grid = blocks_for(run.count, kThreads), .block = kThreads},
           run, rule);
}

// N elements a thread; the rest one by one.
template <class T, int N>
__global__ void __launch_bounds__(kThreads) sync_master_kernel(const T* param, float* master, int64_t count) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x, packs = count / N;
  const auto sync = [](const auto& written, auto& kept) {
    bool changed = false;
#pragma unroll
    for (int k = 0; k < kept.size; ++k) {
      const float x = cast<float>(written[k]);
      if (x == cast<float>(cast<T>(kept[k]))) continue;
      kept[k] = x;
      changed = true;
    }
    return changed;
  };
  if (i < packs) {
    using Master = gpu::Pack<float, N>;
    Master kept = gpu::load(reinterpret_cast<const Master*>(master) + i);
    if (sync(gpu::load(reinterpret_cast<const gpu::Pack<T, N>*>(param) + i), kept))
      gpu::store(reinterpret_cast<Master*>(master) + i, kept);
  }
  const int64_t tail = packs * N + i;
  if (N > 1 && tail < count) {
    gpu::Pack<float, 1> kept{{master[tail]}};
    if (sync(gpu::Pack<T, 1>{{param[tail]}}, kept)) master[tail] = kept[0];
  }
}

__global__ void advance_step_kernel(StepNumbers* numbers) { ++numbers->step; }
__global__ void count_skipped_kernel(const int32_t* skip, int64_t* skipped) { *skipped += *skip != 0; }

}  // namespace

void sync_master(CudaContext& ctx, DType dtype, int64_t count, const void* param, float* master) {
  visit_device_floating(dtype, "sync_master", [&]<class T>() {
    constexpr int kPack = kPackBytes / int(std::max(sizeof(T), sizeof(float)));
    const bool aligned = is_aligned(param, kPackBytes) && is_aligned(master, kPackBytes);
    if (count == 0) return;
    launch(ctx, "sync_master", aligned ? sync_master_kernel<T, kPack> : sync_master_kernel<T, 1>,
           {.grid = blocks_for(std::max<int64_t>(aligned ? count / kPack : count, 1), kThreads),
            .block = kThreads},
           static_cast<const T*>(param), master, count);
  });
}

void sgd_step(CudaContext& ctx, const SgdRule& rule, const StepRun& run) {
  visit_device_floating(run.dtype, "sgd", [&]<class T>() {
    using A = device_accumulate_t<T>;
    const auto with = [&]<Momentum kMomentum>() {
      step(ctx, "sgd", run_of<T>(run),
           Sgd<A, kMomentum>{rule.numbers, A(rule.lr), A(rule.maximize ? -1 : 1), A(rule.weight_decay),
                             A(rule.momentum), A(1 - rule.dampening), rule.weight_decay != 0, rule.nesterov});
    };
    if (rule.momentum == 0)
      with.template operator()<Momentum::none>();
    else if (rule.first)
      with.template operator()<Momentum::first>();
    else
      with.template operator()<Momentum::running>();
  });
}

void adam_step(CudaContext& ctx, const AdamRule& rule, const StepRun& run) {
  visit_device_floating(run.dtype, "adam", [&]<class T>() {
    using A = device_accumulate_t<T>;
    const auto with = [&]<bool kAmsgrad>() {
      Adam<A, kAmsgrad> adam{};
      adam.rule = rule;
      adam.sign = rule.maximize ? -1 : 1;
      adam.decay = A(rule.weight_decay);
      adam.beta2 = A(rule.beta2);
      adam.fresh2 = A(1 - rule.beta2);
      adam.eps = A(rule.eps);
      adam.decays = !rule.decoupled && rule.weight_decay != 0;
      step(ctx, "adam", run_of<T>(run), adam);
    };
    if (rule.amsgrad)
      with.template operator()<true>();
    else
      with.template operator()<false>();
  });
}

void advance_step(CudaContext& ctx, StepNumbers* numbers) {
  launch(ctx, "advance_step", advance_step_kernel, {}, numbers);
}

void count_skipped(CudaContext& ctx, const int32_t* skip, int64_t* skipped) {
  launch(ctx, "count_skipped", count_skipped_kernel, {}, skip, skipped);
}

}  // namespace kiln::kernels
