#include <kiln/kernels/norm/batch_norm.h>

#include <cmath>

#include <kiln/kernels/norm/cpu/batch_norm_loops.h>

namespace kiln::kernels {
namespace {

using namespace norm;

// Count, mean and sum of squared deviations of a set of values; sets merge by Chan, Golub & LeVeque (1979).
struct Moments {
  double mean = 0, squares = 0;
  void merge(double count, double other_mean, double other_squares, double other_count) {
    const double total = count + other_count, delta = other_mean - mean;
    mean += delta * (other_count / total);
    squares += other_squares + delta * delta * (count * other_count / total);
  }
};

// The mean and the sum of squared distances from it of n values that lie `stride` apart, where those in Acc
// are beyond its end; NaN and infinite values stay so.
template <class T>
void wide_moments(const T* x, int64_t n, int64_t stride, double* mean, double* squares) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += double(x[i * stride]);
  *mean = sum / double(n);
  *squares = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double d = double(x[i * stride]) - *mean;
    *squares += d * d;
  }
}

// The moments of rows [n, channels]: two passes over each chunk, which the second finds in cache.
template <class T>
void row_moments(const T* x, int64_t rows, int64_t chunk, int64_t channels, Moments* moments) {
  using Acc = accumulate_t<T>;
  const cpu::Scratch<Acc> mean(channels), squares(channels);
  for (int64_t done = 0; done < rows; done += chunk) {
    const int64_t n = std::min(chunk, rows - done);
    const T* first = x + done * channels;
    std::fill(mean.data(), mean.data() + channels, Acc(0));
    std::fill(squares.data(), squares.data() + channels, Acc(0));
    for (int64_t i = 0; i < n; ++i) {
      const T* row = first + i * channels;
#pragma GCC ivdep
      for (int64_t c = 0; c < channels; ++c) mean[c] += Acc(row[c]);
    }
    for (int64_t c = 0; c < channels; ++c) mean[c] /= Acc(n);
    for (int64_t i = 0; i < n; ++i) {
      const T* row = first + i * channels;
#pragma GCC ivdep
      for (int64_t c = 0; c < channels; ++c) {
        const Acc d = Acc(row[c]) - mean[c];
        squares[c] += d * d;
      }
    }
    for (int64_t c = 0; c < channels; ++c) {
      double m = double(mean[c]), s = double(squares[c]);
      if (!std::isfinite(s)) wide_moments(first + c, n, channels, &m, &s);
      moments[c].merge(double(done), m, s, double(n));
    }
  }
}

// All moments of a tensor in channels-last order.
template <class T>
void all_row_moments(CpuContext& ctx, const BatchNormGeometry& g, const T* x, Moments* moments) {
  const Blocks blocks(g);
  const cpu::Scratch<Moments> partial(blocks.count * g.channels);
  parallel_for(ctx, blocks.count, grain_of(blocks.size * g.channels), [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      Moments* own = partial.data() + b * g.channels;
      std::fill(own, own + g.channels, Moments());
      row_moments(x + blocks.begin(b) * g.channels, blocks.end(b) - blocks.begin(b), blocks.chunk, g.channels,
                  own);
    }
  });
  for (int64_t b = 0; b < blocks.count; ++b)
    for (int64_t c = 0; c < g.channels; ++c) {
      const Moments& other = partial[b * g.channels + c];
      moments[c].merge(double(blocks.begin(b)), other.mean, other.squares,
                       double(blocks.end(b) - blocks.begin(b)));
    }
}

// All moments where each channel is a plane.
template <class T>
void all_plane_moments(CpuContext& ctx, const BatchNormGeometry& g, const T* x, Moments* moments) {
  using Acc = accumulate_t<T>;
  parallel_for(ctx, g.channels, grain_of(g.values()), [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      double count = 0;
      for (int64_t n = 0; n < g.outer; ++n)
        for (int64_t i = 0; i < g.inner; i += kChunkElements) {
          const T* chunk = x + (n * g.channels + c) * g.inner + i;
          const int64_t size = std::min(kChunkElements, g.inner - i);
          const Acc mean = lane_sum<Acc>(size, [&](int64_t j) { return Acc(chunk[j]); }) / Acc(size);
          const Acc squares = lane_sum<Acc>(size, [&](int64_t j) {
            const Acc d = Acc(chunk[j]) - mean;
            return d * d;
          });
          double m = double(mean), s = double(squares);
          if (!std::isfinite(s)) wide_moments(chunk, size, 1, &m, &s);
          moments[c].merge(count, m, s, double(size));
          count += double(size);
        }
    }
  });
}

// NaN stays NaN.
template <bool kRelu, class Acc>
Acc activate(Acc v, Acc most) {
  if constexpr (!kRelu) return v;
  const Acc positive = v < 0 ? Acc(0) : v;
  return positive > most ? most : positive;
}

template <class T, bool kRelu, bool kResidual>
void apply(CpuContext& ctx, const BatchNormGeometry& g, const T* x, const BatchNormVectors& vectors,
           const T* residual, T* y) {
  using Acc = accumulate_t<T>;
  const ScaleShift<Acc> s(g.channels, vectors);
  const Acc *scales = s.scale.data(), *shifts = s.shift.data(), most = s.relu_max;
  if (g.inner == 1)
    return parallel_for(ctx, g.outer, grain_of(g.channels), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T *in = x + i * g.channels, *more = kResidual ? residual + i * g.channels : nullptr;
        T* out = y + i * g.channels;
#pragma GCC ivdep
        for (int64_t c = 0; c < g.channels; ++c)
          out[c] = T(activate<kRelu>(Acc(in[c]) * scales[c] + shifts[c] + (kResidual ? Acc(more[c]) : Acc(0)),
                                     most));
      }
    });
  parallel_for(ctx, g.outer * g.channels, grain_of(g.inner), [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      const T *in = x + plane * g.inner, *more = kResidual ? residual + plane * g.inner : nullptr;
      T* out = y + plane * g.inner;
      const Acc scale = scales[plane % g.channels], shift = shifts[plane % g.channels];
#pragma GCC ivdep
      for (int64_t i = 0; i < g.inner; ++i)
        out[i] = T(activate<kRelu>(Acc(in[i]) * scale + shift + (kResidual ? Acc(more[i]) : Acc(0)), most));
    }
  });
}

}  // namespace

void batch_norm_statistics(CpuContext& ctx, const BatchNormGeometry& g, TensorView x, double eps,
                           const BatchNormRunning& running, TensorView mean, TensorView rstd) {
  if (running.batches.defined()) ++*running.batches.as<int64_t>();
  visit_floating(x.dtype, "batch_norm", [&]<class T>() {
    using Acc = accumulate_t<T>;
    const cpu::Scratch<Moments> moments(g.channels);
    std::fill(moments.data(), moments.data() + g.channels, Moments());
    if (g.inner == 1)
      all_row_moments(ctx, g, x.as<const T>(), moments.data());
    else
      all_plane_moments(ctx, g, x.as<const T>(), moments.data());
    const double count(g.values());
    for (int64_t c = 0; c < g.channels; ++c) {
      mean.as<Acc>()[c] = Acc(moments[c].mean);
      rstd.as<Acc>()[c] = Acc(1 / std::sqrt(moments[c].squares / count + eps));
      if (!running.mean.defined()) continue;
      const double momentum = running.momentum;
      Acc &m = running.mean.as<Acc>()[c], &v = running.var.as<Acc>()[c];
      m = Acc((1 - momentum) * double(m) + momentum * moments[c].mean);
      v = Acc((1 - momentum) * double(v) + momentum * moments[c].squares / (count - 1));
    }
  });
}

void batch_norm_apply(CpuContext& ctx, const BatchNormGeometry& g, TensorView x,
                      const BatchNormVectors& vectors, TensorView residual, bool relu, TensorView y) {
  visit_floating(x.dtype, "batch_norm", [&]<class T>() {
    const T *in = x.as<const T>(), *more = residual.as<const T>();
    T* out = y.as<T>();
    if (relu && more != nullptr)
      apply<T, true, true>(ctx, g, in, vectors, more, out);
    else if (relu)
      apply<T, true, false>(ctx, g, in, vectors, more, out);
    else if (more != nullptr)
      apply<T, false, true>(ctx, g, in, vectors, more, out);
    else
      apply<T, false, false>(ctx, g, in, vectors, more, out);
  });
}

void batch_norm_train(CpuContext& ctx, const BatchNormGeometry& g, TensorView x, double eps,
                      const BatchNormRunning& running, const BatchNormVectors& vectors, TensorView residual,
                      bool relu, TensorView y) {
  batch_norm_statistics(ctx, g, x, eps, running, vectors.mean, vectors.rstd);
  batch_norm_apply(ctx, g, x, vectors, residual, relu, y);
}

}  // namespace kiln::kernels
