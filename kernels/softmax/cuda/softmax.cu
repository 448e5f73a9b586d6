#include <kiln/kernels/softmax/softmax.h>

#include <kiln/kernels/base/cuda/split.cuh>
#include <kiln/kernels/softmax/cuda/softmax_sums.cuh>

namespace kiln::kernels {
namespace {

template <int kGroup, bool kLog, class T>
__global__ void __launch_bounds__(kRowThreads, kRowBlocks<T>)
    softmax_rows_kernel(const T* x, T* y, int64_t rows, int64_t size) {
  using A = device_accumulate_t<T>;
  const int64_t row = group_row<kGroup>();
  if (row >= rows) return;
  const T* in = x + row * size;
  T* out = y + row * size;
  const ExpSum<A> total = exp_sum<kGroup>(in, size);
  const A log_sum = total.largest + math::log(total.sum), scale = 1 / total.sum;
  each_pack<kGroup>(in, size, are_alike(in, out), [&](int64_t first, auto count) {
    auto pack = load_at<count()>(in + first);
#pragma unroll
    for (int e = 0; e < count(); ++e) {
      const A value = cast<A>(pack[e]);
      pack[e] = cast<T>(kLog ? value - log_sum : math::exp(value - total.largest) * scale);
    }
    store_at(out + first, pack);
  });
}

// Reads x once.
template <int kGroup, bool kLog, class T>
__global__ void __launch_bounds__(kRowThreads, kRowBlocks<T>)
    softmax_kept_rows_kernel(const T* x, T* y, int64_t rows, int size) {
  using A = device_accumulate_t<T>;
  using Row = KeptRow<kGroup, T>;
  const int64_t row = group_row<kGroup>();
  if (row >= rows) return;
  Row kept(x + row * size, size);
  A largest = -std::numeric_limits<A>::infinity(), sum = 0;
  Row::each(size, [&](int j) {
#pragma unroll
    for (int e = 0; e < Row::kPack; ++e) {
      const A value = cast<A>(kept.at[j][e]);
      largest = value > largest ? value : largest;
    }
  });
  largest = group_max<kGroup>(largest);
  Row::each(size, [&](int j) {  // inf gives NaN
#pragma unroll
    for (int e = 0; e < Row::kPack; ++e) sum += math::exp(cast<A>(kept.at[j][e]) - largest);
  });
  sum = group_sum<kGroup>(sum);
  const A log_sum = largest + math::log(sum), scale = 1 / sum;
  Row::each(size, [&](int j) {
#pragma unroll
    for (int e = 0; e < Row::kPack; ++e) {
      const A value = cast<A>(kept.at[j][e]);
      kept.at[j][e] = cast<T>(kLog ? value - log_sum : math::exp(value - largest) * scale);
    }
    store_at(y + row * size + Row::first(j), kept.at[j]);
  });
}

// One thread a line; neighbouring threads read neighbouring lines.
template <bool kLog, class T>
__global__ void __launch_bounds__(kRowThreads)
    softmax_lines_kernel(const T* x, T* y, int64_t lines, int64_t size, int64_t inner) {
  using A = device_accumulate_t<T>;
  const int64_t line = int64_t(blockIdx.x) * kRowThreads + threadIdx.x;
  if (line >= lines) return;
  const Split lanes = split(line, inner);
  const int64_t first = lanes.quotient * size * inner + lanes.remainder;
  ExpSum<A> total;
  for (int64_t i = 0; i < size; ++i) total.add(cast<A>(x[first + i * inner]));
  const A log_sum = total.largest + math::log(total.sum), scale = 1 / total.sum;
  for (int64_t i = 0; i < size; ++i) {
    const A value = cast<A>(x[first + i * inner]);
    y[first + i * inner] = cast<T>(kLog ? value - log_sum : math::exp(value - total.largest) * scale);
  }
}

template <bool kLog, class A>
__device__ __forceinline__ A term(A y, A g) {
  return kLog ? g : g * y;
}
template <bool kLog, class A>
__device__ __forceinline__ A slope(A y, A g, A total) {
  return kLog ? g - math::exp(y) * total : y * (g - total);
}

template <int kGroup, bool kLog, class T>
__global__ void __launch_bounds__(kRowThreads, kRowBlocks<T>)
    softmax_backward_rows_kernel(const T* y, const T* g, T* dx, int64_t rows, int64_t size) {
  using A = device_accumulate_t<T>;
  const int64_t row = group_row<kGroup>();
  if (row >= rows) return;
  y += row * size;
  g += row * size;
  dx += row * size;
  const bool alike = are_alike(y, g);
  A mine = 0;
  each_pack<kGroup>(y, size, alike, [&](int64_t first, auto count) {
    const auto values = load_at<count()>(y + first), gradients = load_at<count()>(g + first);
#pragma unroll
    for (int e = 0; e < count(); ++e) mine += term<kLog>(cast<A>(values[e]), cast<A>(gradients[e]));
  });
  const A total = group_sum<kGroup>(mine);
  each_pack<kGroup>(y, size, alike && are_alike(y, dx), [&](int64_t first, auto count) {
    const auto values = load_at<count()>(y + first), gradients = load_at<count()>(g + first);
    auto out = values;
#pragma unroll
    for (int e = 0; e < count(); ++e)
      out[e] = cast<T>(slope<kLog>(cast<A>(values[e]), cast<A>(gradients[e]), total));
    store_at(dx + first, out);
  });
}

// Reads y and g once.
template <int kGroup, bool kLog, class T>
__global__ void __launch_bounds__(kRowThreads, kRowBlocks<T>)
    softmax_backward_kept_rows_kernel(const T* y, const T* g, T* dx, int64_t rows, int size) {
  using A = device_accumulate_t<T>;
  using Row = KeptRow<kGroup, T>;
  const int64_t row = group_row<kGroup>();
  if (row >= rows) return;
  Row values(y + row * size, size);
  const Row gradients(g + row * size, size);
  A mine = 0;
  Row::each(size, [&](int j) {
#pragma unroll
    for (int e = 0; e < Row::kPack; ++e)
      mine += term<kLog>(cast<A>(values.at[j][e]), cast<A>(gradients.at[j][e]));
  });
  const A total = group_sum<kGroup>(mine);
  Row::each(size, [&](int j) {
#pragma unroll
    for (int e = 0; e < Row::kPack; ++e)
      values.at[j][e] = cast<T>(slope<kLog>(cast<A>(values.at[j][e]), cast<A>(gradients.at[j][e]), total));
    store_at(dx + row * size + Row::first(j), values.at[j]);
  });
}

template <bool kLog, class T>
__global__ void __launch_bounds__(kRowThreads)
    softmax_backward_lines_kernel(const T* y, const T* g, T* dx, int64_t lines, int64_t size, int64_t inner) {
  using A = device_accumulate_t<T>;
  const int64_t line = int64_t(blockIdx.x) * kRowThreads + threadIdx.x;
  if (line >= lines) return;
  const Split lanes = split(line, inner);
  const int64_t first = lanes.quotient * size * inner + lanes.remainder;
  A total = 0;
  for (int64_t i = 0; i < size; ++i)
    total += term<kLog>(cast<A>(y[first + i * inner]), cast<A>(g[first + i * inner]));
  for (int64_t i = 0; i < size; ++i) {
    const int64_t at = first + i * inner;
    dx[at] = cast<T>(slope<kLog>(cast<A>(y[at]), cast<A>(g[at]), total));
  }
}

template <bool kLog>
void forward(const CudaContext& ctx, const char* op, const SoftmaxGeometry& geometry, const TensorView& x,
             const TensorView& y) {
  const auto [outer, size, inner] = geometry;
  const int64_t lines = outer * inner;
  visit_device_floating(x.dtype, op, [&]<class T>() {
    const T* in = x.as<T>();
    T* out = y.as<T>();
    if (inner > 1)
      return launch(ctx, op, softmax_lines_kernel<kLog, T>,
                    {.grid = blocks_for(lines, kRowThreads), .block = kRowThreads}, in, out, lines, size,
                    inner);
    with_row_group(outer, size, [&]<int kGroup>(unsigned blocks) {
      if (keeps<kGroup, T>(size, {in, out}))
        return launch(ctx, op, softmax_kept_rows_kernel<kGroup, kLog, T>,
                      {.grid = blocks, .block = kRowThreads}, in, out, outer, int(size));
      launch(ctx, op, softmax_rows_kernel<kGroup, kLog, T>, {.grid = blocks, .block = kRowThreads}, in, out,
             outer, size);
    });
  });
}

template <bool kLog>
void backward(const CudaContext& ctx, const char* op, const SoftmaxGeometry& geometry, const TensorView& y,
              const TensorView& g, const TensorView& dx) {
  const auto [outer, size, inner] = geometry;
  const int64_t lines = outer * inner;
  visit_device_floating(y.dtype, op, [&]<class T>() {
    const T *value = y.as<T>(), *gradient = g.as<T>();
    T* out = dx.as<T>();
    if (inner > 1)
      return launch(ctx, op, softmax_backward_lines_kernel<kLog, T>,
                    {.grid = blocks_for(lines, kRowThreads), .block = kRowThreads}, value, gradient, out,
                    lines, size, inner);
    with_row_group(outer, size, [&]<int kGroup>(unsigned blocks) {
      if (keeps<kGroup, T>(size, {value, gradient, out}))
        return launch(ctx, op, softmax_backward_kept_rows_kernel<kGroup, kLog, T>,
                      {.grid = blocks, .block = kRowThreads}, value, gradient, out, outer, int(size));
      launch(ctx, op, softmax_backward_rows_kernel<kGroup, kLog, T>, {.grid = blocks, .block = kRowThreads},
             value, gradient, out, outer, size);
    });
  });
}

}  // namespace

void softmax(CudaContext& ctx, const SoftmaxGeometry& g, TensorView x, TensorView y) {
  forward<false>(ctx, "softmax", g, x, y);
}
void log_softmax(CudaContext& ctx, const SoftmaxGeometry& g, TensorView x, TensorView y) {
  forward<true>(ctx, "log_softmax", g, x, y);
}
void softmax_backward(CudaContext& ctx, const SoftmaxGeometry& geometry, TensorView y, TensorView g,
                      TensorView dx) {
  backward<false>(ctx, "softmax_backward", geometry, y, g, dx);
}
void log_softmax_backward(CudaContext& ctx, const SoftmaxGeometry& geometry, TensorView y, TensorView g,
                          TensorView dx) {
  backward<true>(ctx, "log_softmax_backward", geometry, y, g, dx);
}

}  // namespace kiln::kernels
