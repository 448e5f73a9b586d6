#include <kiln/kernels/flat/optimizer.h>

#include <cmath>

#include <kiln/kernels/base/cpu/parallel.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels {
namespace {

// A run as the loops see it: A is the type that is computed in. The halves have their value in `master` and
// store it rounded too.
template <class T>
struct Typed {
  using A = accumulate_t<T>;
  static constexpr bool kRounds = !std::is_same_v<T, A>;

  A* value;
  T* rounded;
  const T* grad;
  A* state[3];

  explicit Typed(const StepRun& run)
      : rounded(static_cast<T*>(run.param)), grad(static_cast<const T*>(run.grad)) {
    if constexpr (kRounds)
      value = run.master;
    else
      value = rounded;
    for (int i = 0; i < 3; ++i) state[i] = static_cast<A*>(run.state[i]);
  }
};

enum class Momentum { none, first, running };

template <Momentum kMomentum, bool kNesterov, class T>
void sgd_range(const Typed<T>& run, const SgdRule& rule, int64_t begin, int64_t end) {
  using A = typename Typed<T>::A;
  A* __restrict__ value = run.value;
  A* __restrict__ buffer = run.state[0];
  T* __restrict__ rounded = run.rounded;
  const T* __restrict__ grad = run.grad;
  const A sign = rule.maximize ? -1 : 1, decay = A(rule.weight_decay), momentum = A(rule.momentum),
          fresh = A(1 - rule.dampening), rate = A(-rule.lr);
  const bool decays = rule.weight_decay != 0;  // 0 * infinity is NaN, so no decay is not a decay of 0
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) {
    A d = sign * A(grad[i]);
    const A p = value[i];
    d = decays ? d + decay * p : d;
    if constexpr (kMomentum != Momentum::none) {
      const A b = kMomentum == Momentum::first ? d : momentum * buffer[i] + fresh * d;
      buffer[i] = b;
      d = kNesterov ? d + momentum * b : b;
    }
    const A next = p + rate * d;
    value[i] = next;
    if constexpr (Typed<T>::kRounds) rounded[i] = T(next);
  }
}

template <bool kAmsgrad, class T>
void adam_range(const Typed<T>& run, const AdamRule& rule, int64_t begin, int64_t end) {
  using A = typename Typed<T>::A;
  A* __restrict__ value = run.value;
  A* __restrict__ first = run.state[0];
  A* __restrict__ second = run.state[1];
  A* __restrict__ largest = run.state[2];
  T* __restrict__ rounded = run.rounded;
  const T* __restrict__ grad = run.grad;
  const double correction1 = 1 - std::pow(rule.beta1, double(rule.step)),
               correction2 = 1 - std::pow(rule.beta2, double(rule.step));
  const A sign = rule.maximize ? -1 : 1, decay = A(rule.weight_decay), beta1 = A(rule.beta1),
          beta2 = A(rule.beta2), fresh1 = A(1 - rule.beta1), fresh2 = A(1 - rule.beta2), eps = A(rule.eps),
          rate = A(-rule.lr / correction1), scale = A(1 / std::sqrt(correction2)),
          keep = rule.decoupled ? A(1 - rule.lr * rule.weight_decay) : A(1);
  const bool decays = !rule.decoupled && rule.weight_decay != 0;
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) {
    const A p = value[i] * keep;
    A g = sign * A(grad[i]);
    g = decays ? g + decay * p : g;
    const A m = beta1 * first[i] + fresh1 * g;
    A v = beta2 * second[i] + fresh2 * g * g;
    first[i] = m;
    second[i] = v;
    if constexpr (kAmsgrad) {
      const A seen = largest[i];
      v = v > seen || v != v ? v : seen;
      largest[i] = v;
    }
    const A next = p + rate * m / (std::sqrt(v) * scale + eps);
    value[i] = next;
    if constexpr (Typed<T>::kRounds) rounded[i] = T(next);
  }
}

template <class F>
void for_ranges(CpuContext& ctx, const char* op, const StepRun& run, F&& f) {
  visit_floating(run.dtype, op, [&]<class T>() {
    const Typed<T> typed(run);
    parallel_for(ctx, run.count, kGrain, [&](int64_t begin, int64_t end) { f(typed, begin, end); });
  });
}

}  // namespace

void sync_master(CpuContext& ctx, DType dtype, int64_t count, const void* param, float* master) {
  visit_floating(dtype, "sync_master", [&]<class T>() {
    const T* rounded = static_cast<const T*>(param);
    parallel_for(ctx, count, kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        if (const float x(rounded[i]); x != float(T(master[i]))) master[i] = x;
    });
  });
}

void sgd_step(CpuContext& ctx, const SgdRule& rule, const StepRun& run) {
  for_ranges(ctx, "sgd", run, [&](const auto& typed, int64_t begin, int64_t end) {
    if (rule.momentum == 0)
      sgd_range<Momentum::none, false>(typed, rule, begin, end);
    else if (rule.first && rule.nesterov)
      sgd_range<Momentum::first, true>(typed, rule, begin, end);
    else if (rule.first)
      sgd_range<Momentum::first, false>(typed, rule, begin, end);
    else if (rule.nesterov)
      sgd_range<Momentum::running, true>(typed, rule, begin, end);
    else
      sgd_range<Momentum::running, false>(typed, rule, begin, end);
  });
}

void adam_step(CpuContext& ctx, const AdamRule& rule, const StepRun& run) {
  for_ranges(ctx, "adam", run, [&](const auto& typed, int64_t begin, int64_t end) {
    if (rule.amsgrad)
      adam_range<true>(typed, rule, begin, end);
    else
      adam_range<false>(typed, rule, begin, end);
  });
}

}  // namespace kiln::kernels
