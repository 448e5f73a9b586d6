#include <kiln/kernels/resample/resample.h>

#include <kiln/kernels/base/cpu/parallel_rows.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels {
namespace {

template <class T>
struct Side {
  using Acc = accumulate_t<T>;
  const ResampleGeometry& g;
  const T* x;
  const int32_t* spans;
  const Acc* weights;
  T* y;

  // Results next to each other in memory: one at a time.
  void along(int64_t outer) const {
    const T* in = x + outer * g.in;
    for (int64_t i = 0; i < g.out; ++i) {
      const T* from = in + spans[2 * i];
      const Acc* w = weights + i * g.taps;
      Acc sum = 0;
      for (int32_t k = 0; k < spans[2 * i + 1]; ++k) sum += w[k] * Acc(from[k]);
      y[outer * g.out + i] = T(sum);
    }
  }

  // A row of `inner` results, which share their weights.
  void across(int64_t outer, int64_t i) const {
    constexpr int64_t kBlock = 256;
    const T* in = x + (outer * g.in + spans[2 * i]) * g.inner;
    T* out = y + (outer * g.out + i) * g.inner;
    const Acc* w = weights + i * g.taps;
    for (int64_t first = 0; first < g.inner; first += kBlock) {
      const int64_t n = std::min(kBlock, g.inner - first);
      Acc sums[kBlock] = {};
      for (int32_t k = 0; k < spans[2 * i + 1]; ++k) {
        const T* row = in + k * g.inner + first;
        for (int64_t c = 0; c < n; ++c) sums[c] += w[k] * Acc(row[c]);
      }
      for (int64_t c = 0; c < n; ++c) out[first + c] = T(sums[c]);
    }
  }
};

template <class T>
void run(CpuContext& ctx, const Side<T>& side) {
  const ResampleGeometry& g = side.g;
  if (g.inner == 1) {
    parallel_for(ctx, g.outer, grain_of(g.out * g.taps), [&](int64_t begin, int64_t end) {
      for (int64_t outer = begin; outer < end; ++outer) side.along(outer);
    });
    return;
  }
  parallel_for(ctx, g.outer * g.out, grain_of(g.inner * g.taps), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) side.across(row / g.out, row % g.out);
  });
}

}  // namespace

void resample(CpuContext& ctx, const ResampleGeometry& g, TensorView x, TensorView spans, TensorView weights,
              TensorView y) {
  visit_floating(x.dtype, "interpolate", [&]<class T>() {
    run<T>(ctx,
           {g, x.as<const T>(), spans.as<const int32_t>(), weights.as<const accumulate_t<T>>(), y.as<T>()});
  });
}

}  // namespace kiln::kernels
