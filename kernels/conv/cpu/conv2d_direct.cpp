#include <kiln/kernels/conv/cpu/conv2d_direct.h>

#include <kiln/kernels/base/cpu/parallel_rows.h>
#include <kiln/kernels/base/cpu/scratch.h>
#include <kiln/kernels/elementwise/fill.h>

namespace kiln::kernels {
namespace {

// Weights as [K,R,S,C/groups]: a filter's channels lie next to each other, as x's do.
struct FilterIndex {
  const Conv2dGeometry& g;
  int64_t channels = g.channels / g.groups;

  int64_t size() const { return g.filters * g.kernel_h * g.kernel_w * channels; }
  int64_t operator()(int64_t k, int64_t r, int64_t s) const {
    return ((k * g.kernel_h + r) * g.kernel_w + s) * channels;
  }
  // f(offset in [K,R,S,C], offset in a tensor of these strides)
  template <class F>
  void each(const Strides& strides, F&& f) const {
    for (int64_t k = 0; k < g.filters; ++k)
      for (int64_t r = 0; r < g.kernel_h; ++r)
        for (int64_t s = 0; s < g.kernel_w; ++s)
          for (int64_t c = 0; c < channels; ++c)
            f((*this)(k, r, s) + c, k * strides[0] + c * strides[1] + r * strides[2] + s * strides[3]);
  }
};

// Calls f(offset of x's pixel, r, s) for the taps of output pixel (p, q) of image n that lie inside x.
template <class F>
void each_tap(const Conv2dGeometry& g, int64_t n, int64_t p, int64_t q, F&& f) {
  for (int64_t r = 0; r < g.kernel_h; ++r) {
    const int64_t h = p * g.stride_h - g.padding_h + r * g.dilation_h;
    if (h < 0 || h >= g.height) continue;
    for (int64_t s = 0; s < g.kernel_w; ++s) {
      const int64_t w = q * g.stride_w - g.padding_w + s * g.dilation_w;
      if (w >= 0 && w < g.width) f(((n * g.height + h) * g.width + w) * g.channels, r, s);
    }
  }
}

void pack(const FilterIndex& index, const TensorView& weight, double* out) {
  const double* w = weight.as<double>();
  index.each(weight.layout->strides, [&](int64_t to, int64_t from) { out[to] = w[from]; });
}

int64_t taps(const Conv2dGeometry& g) { return g.kernel_h * g.kernel_w * g.channels / g.groups; }

}  // namespace

void conv2d_direct_forward(CpuContext& ctx, const Conv2dGeometry& g, TensorView x, TensorView weight,
                           TensorView bias, TensorView y) {
  const FilterIndex index{g};
  const cpu::Scratch<double> filters(index.size());
  pack(index, weight, filters.data());
  const double *in = x.as<double>(), *offsets = bias.as<double>();
  parallel_for(ctx, g.batch * g.out_h, grain_of(g.out_w * g.filters * taps(g)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t row = begin; row < end; ++row)
                   for (int64_t q = 0; q < g.out_w; ++q) {
                     double* out = y.as<double>() + (row * g.out_w + q) * g.filters;
                     for (int64_t k = 0; k < g.filters; ++k) out[k] = offsets == nullptr ? 0 : offsets[k];
                     each_tap(g, row / g.out_h, row % g.out_h, q, [&](int64_t pixel, int64_t r, int64_t s) {
                       for (int64_t k = 0; k < g.filters; ++k) {
                         const double* a = in + pixel + k / (g.filters / g.groups) * index.channels;
                         const double* b = filters.data() + index(k, r, s);
                         double sum = 0;
                         for (int64_t c = 0; c < index.channels; ++c) sum += a[c] * b[c];
                         out[k] += sum;
                       }
                     });
                   }
               });
}

void conv2d_direct_input_grad(CpuContext& ctx, const Conv2dGeometry& g, TensorView grad, TensorView weight,
                              TensorView dx) {
  const FilterIndex index{g};
  const cpu::Scratch<double> filters(index.size());
  pack(index, weight, filters.data());
  const int64_t image = g.height * g.width * g.channels;
  const int64_t cost = g.out_h * g.out_w * g.filters * taps(g);
  parallel_for(ctx, g.batch, grain_of(cost), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      double* out = dx.as<double>();
      std::fill(out + n * image, out + (n + 1) * image, 0.);
      for (int64_t p = 0; p < g.out_h; ++p)
        for (int64_t q = 0; q < g.out_w; ++q) {
          const double* in = grad.as<double>() + ((n * g.out_h + p) * g.out_w + q) * g.filters;
          each_tap(g, n, p, q, [&](int64_t pixel, int64_t r, int64_t s) {
            for (int64_t k = 0; k < g.filters; ++k) {
              double* a = out + pixel + k / (g.filters / g.groups) * index.channels;
              const double* b = filters.data() + index(k, r, s);
              for (int64_t c = 0; c < index.channels; ++c) a[c] += in[k] * b[c];
            }
          });
        }
    }
  });
}

void conv2d_direct_weight_grad(CpuContext& ctx, const Conv2dGeometry& g, TensorView grad, TensorView x,
                               TensorView dw) {
  if (g.batch == 0) return fill(ctx, 0, dw);
  const FilterIndex index{g};
  const cpu::Scratch<double> filters(index.size());
  std::fill(filters.data(), filters.data() + index.size(), 0.);
  const double* in = x.as<double>();
  parallel_for(ctx, g.filters, grain_of(g.batch * g.out_h * g.out_w * taps(g)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t pixel = 0; pixel < g.batch * g.out_h * g.out_w; ++pixel) {
                   const double* scale = grad.as<double>() + pixel * g.filters;
                   each_tap(g, pixel / (g.out_h * g.out_w), pixel / g.out_w % g.out_h, pixel % g.out_w,
                            [&](int64_t from, int64_t r, int64_t s) {
                              for (int64_t k = begin; k < end; ++k) {
                                const double* a = in + from + k / (g.filters / g.groups) * index.channels;
                                double* b = filters.data() + index(k, r, s);
                                for (int64_t c = 0; c < index.channels; ++c) b[c] += scale[k] * a[c];
                              }
                            });
                 }
               });
  double* out = dw.as<double>();
  index.each(dw.layout->strides, [&](int64_t from, int64_t to) { out[to] = filters[from]; });
}

}  // namespace kiln::kernels
