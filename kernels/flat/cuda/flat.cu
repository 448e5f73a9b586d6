#include <kiln/kernels/flat/flat.h>

#include <cmath>

#include <kiln/tensor/storage.h>
#include <kiln/kernels/flat/cuda/span_table.cuh>

namespace kiln::kernels {
namespace {

enum class Measure { sum_of_squares, sum_of_magnitudes, sum_of_powers, largest, not_finite };

// How one element counts. Sums are formed in double, as on the CPU.
template <Measure kMeasure, class A>
__device__ __forceinline__ double measured(A x, double p) {
  if constexpr (kMeasure == Measure::sum_of_squares)
    return double(x) * double(x);
  else if constexpr (kMeasure == Measure::sum_of_powers)
    return pow(fabs(double(x)), p);
  else if constexpr (kMeasure == Measure::not_finite)
    return 0 * double(x);  // NaN where x is not finite
  else
    return fabs(double(x));
}

template <Measure kMeasure>
__device__ __forceinline__ double joined(double a, double b) {
  if constexpr (kMeasure == Measure::largest)
    return a != a || a > b ? a : b;  // a NaN stays
  else
    return a + b;
}

// The block's values joined in a fixed order; the result is thread 0's.
template <Measure kMeasure>
__device__ double block_join(double v) {
  auto& partial = gpu::shared<double[kSpanThreads / 32]>();
#pragma unroll
  for (int step = 16; step; step >>= 1) {
    const double other = __shfl_down_sync(gpu::kFullWarp, v, unsigned(step));
    v = joined<kMeasure>(v, other);
  }
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = v;
  __syncthreads();
  if (threadIdx.x == 0)
    for (int warp = 1; warp < kSpanThreads / 32; ++warp) v = joined<kMeasure>(v, partial[warp]);
  return v;
}

// Reads each element once.
template <Measure kMeasure, class T>
__global__ void __launch_bounds__(kSpanThreads)
    measure_kernel(SpanTable<T> table, double p, double* partials) {
  int64_t count = 0;
  T* x = table.piece(&count);
  double v = 0;
  for_piece(x, count, [&](T*, const auto& pack) {
#pragma unroll
    for (int k = 0; k < pack.size; ++k)
      v = joined<kMeasure>(v, measured<kMeasure>(cast<device_accumulate_t<T>>(pack[k]), p));
  });
  v = block_join<kMeasure>(v);
  if (threadIdx.x == 0) partials[blockIdx.x] = v;
}

// One block. Writes the norm, or for not_finite the flag.
template <Measure kMeasure>
__global__ void __launch_bounds__(kSpanThreads)
    finish_kernel(const double* partials, int64_t count, double p, double* norm, bool* finite) {
  double v = 0;
  for (int64_t i = threadIdx.x; i < count; i += kSpanThreads) v = joined<kMeasure>(v, partials[i]);
  v = block_join<kMeasure>(v);
  if (threadIdx.x != 0) return;
  if constexpr (kMeasure == Measure::not_finite)
    *finite = v == 0;
  else if constexpr (kMeasure == Measure::sum_of_squares)
    *norm = sqrt(v);
  else if constexpr (kMeasure == Measure::sum_of_powers)
    *norm = pow(v, 1 / p);
  else
    *norm = v;
}

template <Measure kMeasure>
void measure(const CudaContext& ctx, const char* op, FlatSpans xs, double p, double* norm, bool* finite) {
  const Ref<Storage> memory = Storage::allocate(pieces_of(xs) * int64_t(sizeof(double)), ctx.device);
  double* partials = static_cast<double*>(memory->data);
  const int64_t pieces = for_tables(op, xs, [&]<class T>(const SpanTable<T>& table, int64_t first) {
    launch(ctx, op, measure_kernel<kMeasure, T>, {.grid = blocks_for(table.blocks, 1), .block = kSpanThreads},
           table, p, partials + first);
  });
  launch(ctx, op, finish_kernel<kMeasure>, {.grid = 1, .block = kSpanThreads}, partials, pieces, p, norm,
         finite);
}

// x = f(x) for each element, in one pass.
template <class T, class F>
__global__ void __launch_bounds__(kSpanThreads) change_kernel(SpanTable<T> table, F f) {
  using A = device_accumulate_t<T>;
  if (!f.template begin<A>()) return;
  int64_t count = 0;
  T* x = table.piece(&count);
  for_piece(x, count, [&](T* at, auto pack) {
#pragma unroll
    for (int k = 0; k < pack.size; ++k) pack[k] = cast<T>(f(cast<A>(pack[k])));
    gpu::store(reinterpret_cast<decltype(pack)*>(at), pack);
  });
}

template <class F>
void change(const CudaContext& ctx, const char* op, FlatSpans xs, const F& f) {
  for_tables(op, xs, [&]<class T>(const SpanTable<T>& table, int64_t) {
    launch(ctx, op, change_kernel<T, F>, {.grid = blocks_for(table.blocks, 1), .block = kSpanThreads}, table,
           f);
  });
}

struct ClipNorm {
  double max_norm;
  const double* norm;
  double factor = 1;
  // False where nothing is to do.
  template <class A>
  __device__ bool begin() {
    factor = max_norm / (*norm + 1e-6);  // PyTorch's guard against a norm of 0
    return !(factor >= 1);
  }
  template <class A>
  __device__ A operator()(A x) const {
    return x * A(factor);
  }
};

struct Unscale {
  const float* scale;
  int* found;
  float inverse = 1;
  template <class A>
  __device__ bool begin() {
    inverse = 1 / *scale;
    return true;
  }
  template <class A>
  __device__ A operator()(A x) const {
    if (!(x - x == 0)) atomicOr(found, 1);
    return x * A(inverse);
  }
};

struct Clamp {
  double low, high;
  template <class A>
  __device__ bool begin() const {
    return true;
  }
  template <class A>
  __device__ A operator()(A x) const {
    const A raised = x < A(low) ? A(low) : x;
    return raised > A(high) ? A(high) : raised;
  }
};

}  // namespace

void flat_norm(CudaContext& ctx, FlatSpans xs, double p, TensorView norm) {
  double* result = norm.as<double>();
  if (std::isinf(p)) return measure<Measure::largest>(ctx, "norm", xs, p, result, nullptr);
  if (p == 2) return measure<Measure::sum_of_squares>(ctx, "norm", xs, p, result, nullptr);
  if (p == 1) return measure<Measure::sum_of_magnitudes>(ctx, "norm", xs, p, result, nullptr);
  measure<Measure::sum_of_powers>(ctx, "norm", xs, p, result, nullptr);
}

void flat_clip_norm(CudaContext& ctx, FlatSpans xs, double max_norm, TensorView norm) {
  change(ctx, "clip_grad_norm_", xs, ClipNorm{max_norm, norm.as<double>()});
}

void flat_clamp(CudaContext& ctx, FlatSpans xs, double low, double high) {
  change(ctx, "clip_grad_value_", xs, Clamp{low, high});
}

void flat_zero(CudaContext& ctx, FlatSpans xs) {
  for (const FlatSpan& x : xs) {
    if (x.count == 0) continue;
    cuda::note_launch("zero_grad");
    CUDA_CHECK(cudaMemsetAsync(x.data, 0, size_t(x.count * size_of(x.dtype)), ctx.stream));
  }
}

void flat_all_finite(CudaContext& ctx, FlatSpans xs, TensorView finite) {
  measure<Measure::not_finite>(ctx, "all_finite", xs, 0, nullptr, finite.as<bool>());
}

void flat_unscale(CudaContext& ctx, FlatSpans xs, TensorView scale, TensorView found) {
  change(ctx, "unscale_", xs, Unscale{scale.as<float>(), found.as<int32_t>()});
}

}  // namespace kiln::kernels
