#include <kiln/kernels/norm/batch_norm.h>
#include <kiln/kernels/norm/cpu/batch_norm_loops.h>

namespace kiln::kernels {
namespace {

using namespace norm;

template <class T>
struct Pointers {
  const T *x, *g, *y;
  T* masked;
};

// g where the relu let x through; NaN passes, as in PyTorch.
template <BatchNormMask kMask, class Acc>
Acc masked(Acc g, Acc x, Acc y, Acc scale, Acc shift, Acc most) {
  if constexpr (kMask == BatchNormMask::none) return g;
  const Acc v = kMask == BatchNormMask::from_x ? x * scale + shift : y;
  return ((v <= 0) | (v >= most)) ? Acc(0) : g;
}

struct Sums {
  double g, dot;  // of g, and of g * (x - mean)
};

template <class T, BatchNormMask kMask>
void row_sums(const Pointers<T>& p, int64_t begin, int64_t end, int64_t chunk, int64_t channels,
              const ScaleShift<accumulate_t<T>>& s, Sums* sums) {
  using Acc = accumulate_t<T>;
  const cpu::Scratch<Acc> sum_scratch(channels), dot_scratch(channels);
  Acc *sum = sum_scratch.data(), *dot = dot_scratch.data();
  const Acc *scale = s.scale.data(), *shift = s.shift.data(), *mean = s.mean, most = s.relu_max;
  for (int64_t first = begin; first < end; first += chunk) {
    std::fill(sum, sum + channels, Acc(0));
    std::fill(dot, dot + channels, Acc(0));
    for (int64_t i = first; i < std::min(end, first + chunk); ++i) {
      const T *x = p.x + i * channels, *g = p.g + i * channels,
              *y = kMask == BatchNormMask::from_y ? p.y + i * channels : nullptr;
      T* out = kMask == BatchNormMask::from_y ? p.masked + i * channels : nullptr;
#pragma GCC ivdep
      for (int64_t c = 0; c < channels; ++c) {
        const Acc value(x[c]), result = kMask == BatchNormMask::from_y ? Acc(y[c]) : Acc(0);
        const Acc v = masked<kMask>(Acc(g[c]), value, result, scale[c], shift[c], most);
        if constexpr (kMask == BatchNormMask::from_y) out[c] = T(v);
        sum[c] += v;
        dot[c] += v * (value - mean[c]);
      }
    }
    for (int64_t c = 0; c < channels; ++c) {
      sums[c].g += double(sum[c]);
      sums[c].dot += double(dot[c]);
    }
  }
}

template <class T, BatchNormMask kMask>
void all_row_sums(CpuContext& ctx, const BatchNormGeometry& g, const Pointers<T>& p,
                  const ScaleShift<accumulate_t<T>>& s, Sums* sums) {
  const Blocks blocks(g);
  const cpu::Scratch<Sums> partial(blocks.count * g.channels);
  parallel_for(ctx, blocks.count, grain_of(blocks.size * g.channels), [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      Sums* own = partial.data() + b * g.channels;
      std::fill(own, own + g.channels, Sums{0, 0});
      row_sums<T, kMask>(p, blocks.begin(b), blocks.end(b), blocks.chunk, g.channels, s, own);
    }
  });
  for (int64_t i = 0; i < blocks.count * g.channels; ++i) {
    sums[i % g.channels].g += partial[i].g;
    sums[i % g.channels].dot += partial[i].dot;
  }
}

template <class T, BatchNormMask kMask>
void all_plane_sums(CpuContext& ctx, const BatchNormGeometry& g, const Pointers<T>& p,
                    const ScaleShift<accumulate_t<T>>& s, Sums* sums) {
  using Acc = accumulate_t<T>;
  parallel_for(ctx, g.channels, grain_of(g.values()), [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c)
      for (int64_t n = 0; n < g.outer; ++n)
        for (int64_t i = 0; i < g.inner; i += kChunkElements) {
          const int64_t at = (n * g.channels + c) * g.inner + i, size = std::min(kChunkElements, g.inner - i);
          const Acc scale = s.scale[c], shift = s.shift[c], mean = s.mean[c], most = s.relu_max;
          const auto passed = [&](int64_t j) {
            const Acc result = kMask == BatchNormMask::from_y ? Acc(p.y[at + j]) : Acc(0);
            return masked<kMask>(Acc(p.g[at + j]), Acc(p.x[at + j]), result, scale, shift, most);
          };
          sums[c].g += double(lane_sum<Acc>(size, passed));
          sums[c].dot +=
              double(lane_sum<Acc>(size, [&](int64_t j) { return passed(j) * (Acc(p.x[at + j]) - mean); }));
          if constexpr (kMask == BatchNormMask::from_y)
            for (int64_t j = 0; j < size; ++j) p.masked[at + j] = T(passed(j));
        }
  });
}

// dx = a * g + b * (x - mean) + c, channel by channel.
template <class Acc>
struct Coefficients {
  cpu::Scratch<Acc> a, b, c;

  Coefficients(const BatchNormGeometry& g, const BatchNormVectors& vectors, const ScaleShift<Acc>& s,
               const TensorView& dweight, const TensorView& dbias)
      : a(g.channels), b(g.channels), c(g.channels) {
    const double count(g.values());
    for (int64_t i = 0; i < g.channels; ++i) {
      const double scale(s.scale[i]), rstd(vectors.rstd.as<Acc>()[i]);
      a[i] = s.scale[i];
      b[i] = dweight.defined() ? Acc(-scale * rstd * double(dweight.as<Acc>()[i]) / count) : Acc(0);
      c[i] = dbias.defined() ? Acc(-scale * double(dbias.as<Acc>()[i]) / count) : Acc(0);
    }
  }
};

template <class T, BatchNormMask kMask>
void input_grad(CpuContext& ctx, const BatchNormGeometry& geometry, const T* x, const T* g, T* dx,
                const ScaleShift<accumulate_t<T>>& s, const Coefficients<accumulate_t<T>>& k) {
  using Acc = accumulate_t<T>;
  const Acc *scale = s.scale.data(), *shift = s.shift.data(), *mean = s.mean, *ka = k.a.data(),
            *kb = k.b.data(), *kc = k.c.data(), most = s.relu_max;
  const int64_t channels = geometry.channels, inner = geometry.inner;
  const auto one = [&](Acc value, Acc grad, int64_t c) {
    const Acc v = masked<kMask>(grad, value, Acc(0), scale[c], shift[c], most);
    return T(ka[c] * v + (kb[c] * (value - mean[c]) + kc[c]));
  };
  if (inner == 1)
    return parallel_for(ctx, geometry.outer, grain_of(channels), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T *in = x + i * channels, *grad = g + i * channels;
        T* out = dx + i * channels;
#pragma GCC ivdep
        for (int64_t c = 0; c < channels; ++c) out[c] = one(Acc(in[c]), Acc(grad[c]), c);
      }
    });
  parallel_for(ctx, geometry.outer * channels, grain_of(inner), [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      const T *in = x + plane * inner, *grad = g + plane * inner;
      T* out = dx + plane * inner;
      const int64_t c = plane % channels;
#pragma GCC ivdep
      for (int64_t i = 0; i < inner; ++i) out[i] = one(Acc(in[i]), Acc(grad[i]), c);
    }
  });
}

}  // namespace

void batch_norm_sums(CpuContext& ctx, const BatchNormGeometry& geometry, TensorView x, TensorView g,
                     TensorView y, const BatchNormVectors& vectors, BatchNormMask mask, TensorView dweight,
                     TensorView dbias, TensorView masked_g) {
  visit_floating(x.dtype, "batch_norm_backward", [&]<class T>() {
    using Acc = accumulate_t<T>;
    const ScaleShift<Acc> s(geometry.channels, vectors);
    const Pointers<T> p{x.as<T>(), g.as<T>(), y.as<T>(), masked_g.as<T>()};
    const cpu::Scratch<Sums> sums(geometry.channels);
    std::fill(sums.data(), sums.data() + geometry.channels, Sums{0, 0});
    with_mask(mask, [&]<BatchNormMask kMask>() {
      if (geometry.inner == 1)
        all_row_sums<T, kMask>(ctx, geometry, p, s, sums.data());
      else
        all_plane_sums<T, kMask>(ctx, geometry, p, s, sums.data());
    });
    for (int64_t c = 0; c < geometry.channels; ++c) {
      dweight.as<Acc>()[c] = Acc(sums[c].dot * double(vectors.rstd.as<Acc>()[c]));
      dbias.as<Acc>()[c] = Acc(sums[c].g);
    }
  });
}

void batch_norm_input_grad(CpuContext& ctx, const BatchNormGeometry& geometry, TensorView x, TensorView g,
                           const BatchNormVectors& vectors, BatchNormMask mask, TensorView dweight,
                           TensorView dbias, TensorView dx) {
  visit_floating(x.dtype, "batch_norm_backward", [&]<class T>() {
    using Acc = accumulate_t<T>;
    const ScaleShift<Acc> s(geometry.channels, vectors);
    const Coefficients<Acc> k(geometry, vectors, s, dweight, dbias);
    const T *in = x.as<T>(), *grad = g.as<T>();
    if (mask == BatchNormMask::from_x)
      input_grad<T, BatchNormMask::from_x>(ctx, geometry, in, grad, dx.as<T>(), s, k);
    else
      input_grad<T, BatchNormMask::none>(ctx, geometry, in, grad, dx.as<T>(), s, k);
  });
}

void batch_norm_backward(CpuContext& ctx, const BatchNormGeometry& geometry, TensorView x, TensorView g,
                         TensorView y, const BatchNormVectors& vectors, BatchNormMask mask,
                         TensorView dweight, TensorView dbias, TensorView masked_g, TensorView dx) {
  batch_norm_sums(ctx, geometry, x, g, y, vectors, mask, dweight, dbias, masked_g);
  batch_norm_input_grad(ctx, geometry, x, masked_g.defined() ? masked_g : g, vectors, mask, dweight, dbias,
                        dx);
}

}  // namespace kiln::kernels
