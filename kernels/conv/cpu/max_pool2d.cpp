#include <algorithm>
#include <limits>

#include <kiln/kernels/conv/cpu/pool2d_slices.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels {
namespace {

// Calls f(position in the window, offset of the pixel in its image) for the taps inside the image.
template <class F>
void each_tap(const Pool2dGeometry& g, int64_t p, int64_t q, F&& f) {
  for (int64_t r = 0; r < g.kernel.h; ++r) {
    const int64_t h = p * g.stride.h - g.padding.h + r * g.dilation.h;
    if (h < 0 || h >= g.height) continue;
    for (int64_t s = 0; s < g.kernel.w; ++s) {
      const int64_t w = q * g.stride.w - g.padding.w + s * g.dilation.w;
      if (w >= 0 && w < g.width) f(int32_t(r * g.kernel.w + s), h * g.width + w);
    }
  }
}

// The maximum of each of n channels and where it was. NaN wins.
template <class T>
struct Maxima {
  using Acc = accumulate_t<T>;
  Acc value[kSliceChannels];
  int32_t tap[kSliceChannels];

  void start(int64_t n) {
    std::fill(value, value + n, -std::numeric_limits<Acc>::infinity());
    std::fill(tap, tap + n, 0);
  }
  void first(const T* x, int64_t n, int32_t position) {
    for (int64_t c = 0; c < n; ++c) {
      value[c] = Acc(x[c]);
      tap[c] = position;
    }
  }
  void update(const T* x, int64_t n, int32_t position) {
    for (int64_t c = 0; c < n; ++c) {
      const Acc v(x[c]);
      const bool larger = v > value[c] || v != v;
      value[c] = larger ? v : value[c];
      tap[c] = larger ? position : tap[c];
    }
  }
};

template <class T, class Index>
void forward(CpuContext& ctx, const Pool2dGeometry& g, const T* x, T* y, Index* index) {
  each_slice(ctx, g, [&](int64_t image, int64_t channel, int64_t n) {
    const T* in = x + image * g.height * g.width * g.channels + channel;
    Maxima<T> best;
    for (int64_t p = 0; p < g.out_h; ++p)
      for (int64_t q = 0; q < g.out_w; ++q) {
        best.start(n);
        bool is_first = true;
        each_tap(g, p, q, [&](int32_t tap, int64_t pixel) {
          is_first ? best.first(in + pixel * g.channels, n, tap)
                   : best.update(in + pixel * g.channels, n, tap);
          is_first = false;
        });
        const int64_t at = ((image * g.out_h + p) * g.out_w + q) * g.channels + channel;
        for (int64_t c = 0; c < n; ++c) y[at + c] = T(best.value[c]);
        for (int64_t c = 0; c < n; ++c) index[at + c] = Index(best.tap[c]);
      }
  });
}

// Windows that do not overlap write each pixel once; if they also cover the image, nothing is left to be
// zeroed.
struct Cover {
  bool disjoint, complete;
  explicit Cover(const Pool2dGeometry& g) {
    const bool plain = g.dilation == Pair(1);
    disjoint = plain && g.stride.h >= g.kernel.h && g.stride.w >= g.kernel.w;
    complete = plain && g.stride == g.kernel && g.out_h * g.stride.h - g.padding.h >= g.height &&
               g.out_w * g.stride.w - g.padding.w >= g.width;
  }
};

template <class T, class Index>
void backward(CpuContext& ctx, const Pool2dGeometry& g, const T* grad, const Index* index, T* dx) {
  using Acc = accumulate_t<T>;
  const Cover cover(g);
  each_slice(ctx, g, [&](int64_t image, int64_t channel, int64_t n) {
    T* out = dx + image * g.height * g.width * g.channels + channel;
    if (!cover.disjoint || !cover.complete)
      for (int64_t pixel = 0; pixel < g.height * g.width; ++pixel)
        std::fill(out + pixel * g.channels, out + pixel * g.channels + n, T(0));
    for (int64_t p = 0; p < g.out_h; ++p)
      for (int64_t q = 0; q < g.out_w; ++q) {
        const int64_t at = ((image * g.out_h + p) * g.out_w + q) * g.channels + channel;
        int32_t taps[kSliceChannels];
        for (int64_t c = 0; c < n; ++c) taps[c] = int32_t(index[at + c]);
        const T* v = grad + at;
        each_tap(g, p, q, [&](int32_t tap, int64_t pixel) {
          T* to = out + pixel * g.channels;
          if (cover.disjoint) {
#pragma GCC ivdep
            for (int64_t c = 0; c < n; ++c) to[c] = taps[c] == tap ? v[c] : T(0);
          } else {
#pragma GCC ivdep
            for (int64_t c = 0; c < n; ++c) to[c] = T(Acc(to[c]) + (taps[c] == tap ? Acc(v[c]) : Acc(0)));
          }
        });
      }
  });
}

template <class T, class Index>
void gather(CpuContext& ctx, const Pool2dGeometry& g, const T* x, const Index* index, T* y) {
  each_slice(ctx, g, [&](int64_t image, int64_t channel, int64_t n) {
    const T* in = x + image * g.height * g.width * g.channels + channel;
    for (int64_t p = 0; p < g.out_h; ++p)
      for (int64_t q = 0; q < g.out_w; ++q) {
        const int64_t at = ((image * g.out_h + p) * g.out_w + q) * g.channels + channel;
        std::fill(y + at, y + at + n, T(0));
        each_tap(g, p, q, [&](int32_t tap, int64_t pixel) {
          for (int64_t c = 0; c < n; ++c)
            if (int32_t(index[at + c]) == tap) y[at + c] = in[pixel * g.channels + c];
        });
      }
  });
}

// f.operator()<T, Index>()
template <class F>
void visit(const char* op, DType dtype, DType index, F&& f) {
  visit_floating(dtype, op, [&]<class T>() {
    if (index == DType::uint8)
      f.template operator()<T, uint8_t>();
    else
      f.template operator()<T, int32_t>();
  });
}

}  // namespace

void max_pool2d(CpuContext& ctx, const Pool2dGeometry& g, TensorView x, TensorView y, TensorView index) {
  visit("max_pool2d", x.dtype, index.dtype,
        [&]<class T, class Index>() { forward(ctx, g, x.as<const T>(), y.as<T>(), index.as<Index>()); });
}

void max_pool2d_backward(CpuContext& ctx, const Pool2dGeometry& geometry, TensorView g, TensorView index,
                         TensorView dx) {
  visit("max_pool2d_backward", g.dtype, index.dtype, [&]<class T, class Index>() {
    backward(ctx, geometry, g.as<const T>(), index.as<const Index>(), dx.as<T>());
  });
}

void max_pool2d_gather(CpuContext& ctx, const Pool2dGeometry& g, TensorView x, TensorView index,
                       TensorView y) {
  visit("max_pool2d_gather", x.dtype, index.dtype,
        [&]<class T, class Index>() { gather(ctx, g, x.as<const T>(), index.as<const Index>(), y.as<T>()); });
}

}  // namespace kiln::kernels
