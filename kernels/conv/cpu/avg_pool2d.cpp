#include <algorithm>

#include <kiln/kernels/conv/cpu/pool2d_slices.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels {
namespace {

using Window = Pool2dGeometry::Window;

template <class T>
void forward(CpuContext& ctx, const Pool2dGeometry& g, const T* x, T* y) {
  using Acc = accumulate_t<T>;
  each_slice(ctx, g, [&](int64_t image, int64_t channel, int64_t n) {
    const T* in = x + image * g.height * g.width * g.channels + channel;
    Acc sums[kSliceChannels];
    for (int64_t p = 0; p < g.out_h; ++p)
      for (int64_t q = 0; q < g.out_w; ++q) {
        const Window rows = g.rows(p), columns = g.columns(q);
        std::fill(sums, sums + n, Acc(0));
        for (int64_t h = rows.begin; h < rows.end; ++h)
          for (int64_t w = columns.begin; w < columns.end; ++w) {
            const T* pixel = in + (h * g.width + w) * g.channels;
            for (int64_t c = 0; c < n; ++c) sums[c] += Acc(pixel[c]);
          }
        T* out = y + ((image * g.out_h + p) * g.out_w + q) * g.channels + channel;
        const Acc count(rows.count * columns.count);
        for (int64_t c = 0; c < n; ++c) out[c] = T(sums[c] / count);
      }
  });
}

template <class T>
void backward(CpuContext& ctx, const Pool2dGeometry& g, const T* grad, T* dx) {
  using Acc = accumulate_t<T>;
  each_slice(ctx, g, [&](int64_t image, int64_t channel, int64_t n) {
    T* out = dx + image * g.height * g.width * g.channels + channel;
    for (int64_t pixel = 0; pixel < g.height * g.width; ++pixel)
      std::fill(out + pixel * g.channels, out + pixel * g.channels + n, T(0));
    Acc part[kSliceChannels];
    for (int64_t p = 0; p < g.out_h; ++p)
      for (int64_t q = 0; q < g.out_w; ++q) {
        const Window rows = g.rows(p), columns = g.columns(q);
        const T* v = grad + ((image * g.out_h + p) * g.out_w + q) * g.channels + channel;
        const Acc count(rows.count * columns.count);
        for (int64_t c = 0; c < n; ++c) part[c] = Acc(v[c]) / count;
        for (int64_t h = rows.begin; h < rows.end; ++h)
          for (int64_t w = columns.begin; w < columns.end; ++w) {
            T* pixel = out + (h * g.width + w) * g.channels;
#pragma GCC ivdep
            for (int64_t c = 0; c < n; ++c) pixel[c] = T(Acc(pixel[c]) + part[c]);
          }
      }
  });
}

}  // namespace

void avg_pool2d(CpuContext& ctx, const Pool2dGeometry& g, TensorView x, TensorView y) {
  visit_floating(x.dtype, "avg_pool2d", [&]<class T>() { forward(ctx, g, x.as<const T>(), y.as<T>()); });
}

void avg_pool2d_backward(CpuContext& ctx, const Pool2dGeometry& geometry, TensorView g, TensorView dx) {
  visit_floating(g.dtype, "avg_pool2d_backward",
                 [&]<class T>() { backward(ctx, geometry, g.as<const T>(), dx.as<T>()); });
}

}  // namespace kiln::kernels
