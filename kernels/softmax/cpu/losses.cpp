#include <kiln/kernels/softmax/losses.h>

#include <kiln/kernels/base/cpu/parallel.h>
#include <kiln/kernels/base/cpu/scratch.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels {
namespace {

// Blocks are added in float64, in order: results do not depend on the number of threads.
constexpr int64_t kBlock = 4096;

template <class T>
double block_error(const T* x, const T* t, int64_t n) {
  using A = accumulate_t<T>;
  A total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < n; ++i) {
    const A difference = A(x[i]) - A(t[i]);
    total += difference * difference;
  }
  return double(total);
}

}  // namespace

void squared_error(CpuContext& ctx, double scale, TensorView x, TensorView t, TensorView y) {
  visit_floating(x.dtype, "mse_loss", [&]<class T>() {
    const T *a = x.as<T>(), *b = t.as<T>();
    const int64_t count = x.numel(), blocks = (count + kBlock - 1) / kBlock;
    double total = 0;
    if (blocks <= 1) {
      total = block_error(a, b, count);
    } else {
      const cpu::Scratch<double> partial(blocks);
      parallel_for(ctx, blocks, kGrain / kBlock, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          partial[i] = block_error(a + i * kBlock, b + i * kBlock, std::min(kBlock, count - i * kBlock));
      });
      for (int64_t i = 0; i < blocks; ++i) total += partial[i];
    }
    *y.as<T>() = T(scale * total);
  });
}

void scaled_difference(CpuContext& ctx, double scale, TensorView x, TensorView t, TensorView g,
                       TensorView d) {
  visit_floating(x.dtype, "mse_loss", [&]<class T>() {
    using A = accumulate_t<T>;
    const T *a = x.as<T>(), *b = t.as<T>();
    T* out = d.as<T>();
    const A factor = A(A(*g.as<T>()) * scale);
    parallel_for(ctx, x.numel(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) out[i] = T(factor * (A(a[i]) - A(b[i])));
    });
  });
}

int64_t find_improbable(CpuContext&, TensorView x, const char*) {
  int64_t at = -1;
  visit_floating(x.dtype, "binary_cross_entropy", [&]<class T>() {
    const T* p = x.as<T>();
    const int64_t count = x.numel();
    for (int64_t i = 0; i < count && at < 0; ++i)
      if (!(accumulate_t<T>(p[i]) >= 0 && accumulate_t<T>(p[i]) <= 1)) at = i;
  });
  return at;
}

}  // namespace kiln::kernels
