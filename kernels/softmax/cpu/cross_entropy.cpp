#include <kiln/kernels/softmax/cross_entropy.h>

#include <kiln/kernels/base/cpu/parallel_rows.h>
#include <kiln/kernels/elementwise/math.h>
#include <kiln/kernels/softmax/cpu/softmax_row.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels {
namespace {

template <class A>
A weight_of(const A* weight, int64_t c) {
  return weight == nullptr ? A(1) : weight[c];
}

// The sum over c of v[c] * -log p[c].
template <class T, class A>
A smooth_loss(const T* x, const A* weight, int64_t classes, A log_sum) {
  A total = 0;
  if (weight == nullptr) {
#pragma omp simd reduction(+ : total)
    for (int64_t c = 0; c < classes; ++c) total += log_sum - A(x[c]);
  } else {
#pragma omp simd reduction(+ : total)
    for (int64_t c = 0; c < classes; ++c) total += weight[c] * (log_sum - A(x[c]));
  }
  return total;
}

template <class A>
double sum_of(const A* weight, int64_t classes) {
  if (weight == nullptr) return double(classes);
  double total = 0;
  for (int64_t c = 0; c < classes; ++c) total += double(weight[c]);
  return total;
}

template <class A>
const A* optional(TensorView x) {
  return x.defined() ? x.as<A>() : nullptr;
}

}  // namespace

int64_t cross_entropy(CpuContext& ctx, const CrossEntropyGeometry& g, TensorView x, TensorView target,
                      TensorView weight, TensorView losses, TensorView log_sums, TensorView total,
                      const char*) {
  const int64_t* targets = target.as<int64_t>();
  for (int64_t i = 0; i < g.rows; ++i)
    if ((targets[i] < 0 || targets[i] >= g.classes) && targets[i] != g.ignore_index) return i;
  visit_floating(x.dtype, "cross_entropy", [&]<class T>() {
    using A = accumulate_t<T>;
    const A* v = optional<A>(weight);
    const A certain = A(1 - g.smoothing), smooth = A(g.smoothing / double(g.classes));
    parallel_for(ctx, g.rows, grain_of(cpu::kExpCost * g.classes), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T* row = x.as<T>() + i * g.classes;
        const int64_t t = targets[i];
        const bool counts = t != g.ignore_index;
        const A largest = counts ? cpu::largest_of(row, g.classes) : A(0);
        const A log_sum = counts ? largest + std::log(cpu::sum_of_exp(row, g.classes, largest)) : A(0);
        A loss = counts ? certain * weight_of(v, t) * (log_sum - A(row[t])) : A(0);
        if (counts && smooth != 0) loss += smooth * smooth_loss(row, v, g.classes, log_sum);
        log_sums.as<A>()[i] = log_sum;
        losses.as<A>()[i] = loss;
      }
    });
    double sum = g.mean ? 0 : 1;
    if (g.mean)
      for (int64_t i = 0; i < g.rows; ++i)
        if (targets[i] != g.ignore_index) sum += double(weight_of(v, targets[i]));
    *total.as<A>() = A(sum);
  });
  return -1;
}

void cross_entropy_backward(CpuContext& ctx, const CrossEntropyGeometry& g, TensorView x, TensorView target,
                            TensorView weight, TensorView log_sums, TensorView total, TensorView grad,
                            bool g_per_row, TensorView dx) {
  visit_floating(x.dtype, "cross_entropy_backward", [&]<class T>() {
    using A = accumulate_t<T>;
    const A* v = optional<A>(weight);
    const A certain = A(1 - g.smoothing), smooth = A(g.smoothing / double(g.classes));
    const A smooth_total = smooth == 0 ? A(0) : smooth * A(sum_of(v, g.classes));
    parallel_for(ctx, g.rows, grain_of(cpu::kExpCost * g.classes), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T* row = x.as<T>() + i * g.classes;
        T* out = dx.as<T>() + i * g.classes;
        const int64_t t = target.as<int64_t>()[i];
        if (t == g.ignore_index) {
          std::fill(out, out + g.classes, T(0));
          continue;
        }
        const A scale = A(grad.as<T>()[g_per_row ? i : 0]) / *total.as<A>(), log_sum = log_sums.as<A>()[i];
        const A hit = certain * weight_of(v, t), factor = scale * (hit + smooth_total);
        cpu::exp_row(row, out, g.classes, log_sum, factor);
        if (smooth != 0)
          for (int64_t c = 0; c < g.classes; ++c) out[c] = T(A(out[c]) - scale * smooth * weight_of(v, c));
        out[t] = T(factor * math::exp(A(row[t]) - log_sum) - scale * (hit + smooth * weight_of(v, t)));
      }
    });
  });
}

}  // namespace kiln::kernels
