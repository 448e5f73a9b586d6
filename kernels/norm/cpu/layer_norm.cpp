#include <kiln/kernels/norm/layer_norm.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <kiln/kernels/base/cpu/lane_sum.h>
#include <kiln/kernels/base/cpu/parallel_rows.h>
#include <kiln/kernels/base/cpu/scratch.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels {
namespace {

// Rows whose sums are formed together, a function of the geometry only.
constexpr int64_t kBlocks = 64, kMinBlock = 16;

template <class Acc>
Acc weight_at(const Acc* weight, int64_t i) {
  return weight == nullptr ? Acc(1) : weight[i];
}

}  // namespace

namespace {

// One row, computed in Wide; the mean and the factor that it is scaled by.
template <class Wide, class T, class Acc>
std::pair<Wide, Wide> normalise(int64_t size, const T* in, const Acc* w, const Acc* b, double eps, T* out) {
  const Wide m = lane_sum<Wide>(size, [&](int64_t i) { return Wide(in[i]); }) / Wide(size);
  const Wide squares = lane_sum<Wide>(size, [&](int64_t i) { return (Wide(in[i]) - m) * (Wide(in[i]) - m); });
  const Wide scale = Wide(1) / std::sqrt(squares / Wide(size) + Wide(eps));
#pragma GCC ivdep
  for (int64_t i = 0; i < size; ++i)
    out[i] = T((Wide(in[i]) - m) * scale * weight_at(w, i) + (b == nullptr ? Acc(0) : b[i]));
  return {m, scale};
}

}  // namespace

void layer_norm(CpuContext& ctx, const LayerNormGeometry& g, TensorView x, TensorView weight, TensorView bias,
                double eps, TensorView y, TensorView mean, TensorView rstd) {
  visit_floating(x.dtype, "layer_norm", [&]<class T>() {
    using Acc = accumulate_t<T>;
    const Acc *w = weight.as<Acc>(), *b = bias.as<Acc>();
    parallel_for(ctx, g.rows, grain_of(g.size), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const T* in = x.as<const T>() + row * g.size;
        T* out = y.as<T>() + row * g.size;
        auto [m, scale] = normalise<Acc>(g.size, in, w, b, eps, out);
        if (scale == 0) {  // squares were too large for Acc
          const auto wide = normalise<double>(g.size, in, w, b, eps, out);
          m = Acc(wide.first);
          scale = Acc(wide.second);
        }
        mean.as<Acc>()[row] = m;
        rstd.as<Acc>()[row] = scale;
      }
    });
  });
}

void layer_norm_input_grad(CpuContext& ctx, const LayerNormGeometry& geometry, TensorView x, TensorView g,
                           TensorView weight, TensorView mean, TensorView rstd, TensorView dx) {
  visit_floating(x.dtype, "layer_norm_backward", [&]<class T>() {
    using Acc = accumulate_t<T>;
    const int64_t size = geometry.size;
    const Acc* w = weight.as<Acc>();
    parallel_for(ctx, geometry.rows, grain_of(size), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const T *in = x.as<const T>() + row * size, *grad = g.as<const T>() + row * size;
        T* out = dx.as<T>() + row * size;
        const Acc m = mean.as<Acc>()[row], scale = rstd.as<Acc>()[row];
        const auto passed = [&](int64_t i) { return Acc(grad[i]) * weight_at(w, i); };
        const Acc sum = lane_sum<Acc>(size, passed) / Acc(size);
        const Acc dot = lane_sum<Acc>(size, [&](int64_t i) { return passed(i) * (Acc(in[i]) - m); }) * scale *
                        scale / Acc(size);
#pragma GCC ivdep
        for (int64_t i = 0; i < size; ++i) out[i] = T(scale * (passed(i) - sum - (Acc(in[i]) - m) * dot));
      }
    });
  });
}

void layer_norm_sums(CpuContext& ctx, const LayerNormGeometry& geometry, TensorView x, TensorView g,
                     TensorView mean, TensorView rstd, TensorView dweight, TensorView dbias) {
  visit_floating(x.dtype, "layer_norm_backward", [&]<class T>() {
    using Acc = accumulate_t<T>;
    const int64_t size = geometry.size, rows = std::max(kMinBlock, (geometry.rows + kBlocks - 1) / kBlocks),
                  blocks = (geometry.rows + rows - 1) / rows;
    const cpu::Scratch<Acc> partial(2 * blocks * size);
    parallel_for(ctx, blocks, grain_of(rows * size), [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block) {
        Acc *dot = partial.data() + 2 * block * size, *sum = dot + size;
        std::fill(dot, dot + 2 * size, Acc(0));
        for (int64_t row = block * rows; row < std::min(geometry.rows, (block + 1) * rows); ++row) {
          const T *in = x.as<const T>() + row * size, *grad = g.as<const T>() + row * size;
          const Acc m = mean.as<Acc>()[row], scale = rstd.as<Acc>()[row];
#pragma GCC ivdep
          for (int64_t i = 0; i < size; ++i) {
            sum[i] += Acc(grad[i]);
            dot[i] += Acc(grad[i]) * ((Acc(in[i]) - m) * scale);
          }
        }
      }
    });
    for (int64_t i = 0; i < size; ++i) {
      double dot = 0, sum = 0;
      for (int64_t block = 0; block < blocks; ++block) {
        dot += double(partial[2 * block * size + i]);
        sum += double(partial[(2 * block + 1) * size + i]);
      }
      dweight.as<Acc>()[i] = Acc(dot);
      dbias.as<Acc>()[i] = Acc(sum);
    }
  });
}

}  // namespace kiln::kernels
