#include <kiln/kernels/elementwise/random.h>

#include <bit>
#include <numbers>

#include <kiln/kernels/elementwise/cuda/elementwise.h>
#include <kiln/kernels/elementwise/math.h>
#include <kiln/tensor/random.h>
#include <kiln/kernels/base/cuda/element.cuh>
#include <kiln/kernels/base/cuda/found_error.cuh>
#include <kiln/kernels/base/cuda/launch.cuh>

namespace kiln::kernels {
namespace {

constexpr int kThreads = 256;

__device__ __forceinline__ uint64_t joined(const uint32_t* words) {
  return uint64_t(words[1]) << 32 | words[0];
}

__device__ __forceinline__ PhiloxBlock block_at(const PhiloxStart& start, uint64_t i) {
  const uint64_t at = start.offset + i;
  return start.base == nullptr ? philox(start.seed, at) : philox(start.base->seed, start.base->offset + at);
}

// Uniform in [0, 1), with no more bits than T holds, so that it cannot round up to 1.
template <class T>
__device__ __forceinline__ device_accumulate_t<T> unit(const uint32_t* words) {
  if constexpr (std::is_same_v<T, double>)
    return double(joined(words) >> 11) * 0x1p-53;
  else if constexpr (std::is_same_v<T, __half>)
    return float(words[0] >> 21) * 0x1p-11f;
  else if constexpr (std::is_same_v<T, __nv_bfloat16>)
    return float(words[0] >> 24) * 0x1p-8f;
  else
    return uniform_from_bits(words[0]);
}

// One thread a block of four numbers, and the elements that they make: f(words, elements, first).
template <int kElements, class T, class F>
__global__ void __launch_bounds__(kThreads) random_kernel(PhiloxStart start, T* y, int64_t count, F f) {
  const int64_t block = int64_t(blockIdx.x) * kThreads + threadIdx.x, first = block * kElements;
  if (first >= count) return;
  using Pack = gpu::Pack<T, kElements>;
  const PhiloxBlock numbers = block_at(start, uint64_t(block));
  Pack elements;
  const int n = count - first < kElements ? int(count - first) : kElements;
  f(numbers.words, elements, first, n);
  if constexpr (sizeof(Pack) <= 16) {  // not four float64
    if (n == kElements && reinterpret_cast<uintptr_t>(y) % sizeof(Pack) == 0) {
      gpu::store(reinterpret_cast<Pack*>(y + first), elements);
      return;
    }
  }
#pragma unroll
  for (int i = 0; i < kElements; ++i)
    if (i < n) y[first + i] = elements[i];
}

template <int kElements, class T, class F>
void generate(const CudaContext& ctx, const char* op, const PhiloxStart& start, const TensorView& y,
              const F& f) {
  const int64_t count = y.numel();
  launch(ctx, op, random_kernel<kElements, T, F>,
         {.grid = blocks_for(count, kThreads * kElements), .block = kThreads}, start, y.as<T>(), count, f);
}

// Elements that four numbers make.
template <class T>
inline constexpr int kPerBlock = std::is_same_v<T, double> ? 2 : 4;

template <class T>
struct Uniform {
  using Real = device_accumulate_t<T>;
  static constexpr int kElements = kPerBlock<T>;
  Real from, range;
  __device__ void operator()(const uint32_t* words, gpu::Pack<T, kElements>& y, int64_t, int) const {
#pragma unroll
    for (int i = 0; i < kElements; ++i) y[i] = cast<T>(from + range * unit<T>(words + i * (4 / kElements)));
  }
};

template <class T>
struct Normal {
  using Real = device_accumulate_t<T>;
  static constexpr int kElements = kPerBlock<Real>, kWords = 4 / kElements;
  Real mean, std;
  __device__ void operator()(const uint32_t* words, gpu::Pack<T, kElements>& y, int64_t, int) const {
#pragma unroll
    for (int i = 0; i < kElements; i += 2) {
      const Real log_of = 1 - unit<Real>(words + i * kWords);  // in (0, 1]: the logarithm is finite
      const Real angle = Real(2 * std::numbers::pi) * unit<Real>(words + (i + 1) * kWords);
      const Real radius = math::sqrt(-2 * math::log(log_of));
      y[i] = cast<T>(mean + std * radius * math::cos(angle));
      y[i + 1] = cast<T>(mean + std * radius * math::sin(angle));
    }
  }
};

template <class T>
struct Integers {
  int64_t low;
  uint64_t range;
  __device__ void operator()(const uint32_t* words, gpu::Pack<T, 2>& y, int64_t, int) const {
#pragma unroll
    for (int i = 0; i < 2; ++i)
      y[i] = cast<T>(int64_t(uint64_t(low) + uint64_t(__umul64hi(joined(words + 2 * i), range))));
  }
};

template <class T>
struct Bernoulli {
  using Real = device_accumulate_t<T>;
  const T* probabilities;
  cuda::FoundError* error;
  const char* message;
  __device__ void operator()(const uint32_t* words, gpu::Pack<T, 4>& y, int64_t first, int n) const {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const Real p = i < n ? cast<Real>(probabilities[first + i]) : Real(0);
      if (!(p >= 0 && p <= 1)) report_found(error, message, 0, first + i, 0);
      y[i] = cast<T>(Real(uniform_from_bits(words[i])) < p ? 1.f : 0.f);
    }
  }
};

template <class T>
struct Dropout {
  using Real = device_accumulate_t<T>;
  const T* x;
  float p;
  Real scale;
  __device__ void operator()(const uint32_t* words, gpu::Pack<T, 4>& y, int64_t first, int n) const {
    using Pack = gpu::Pack<T, 4>;
    // Half of a block's 16 bytes for the halves, all for float32; float64 goes by single elements.
    Pack in{};
    bool whole = false;
    if constexpr (sizeof(Pack) <= 16) whole = n == 4 && reinterpret_cast<uintptr_t>(x) % sizeof(Pack) == 0;
    if (whole) {
      if constexpr (sizeof(Pack) <= 16) in = gpu::load(reinterpret_cast<const Pack*>(x + first));
    } else {
#pragma unroll
      for (int i = 0; i < 4; ++i)
        if (i < n) in[i] = x[first + i];
    }
#pragma unroll
    for (int i = 0; i < 4; ++i)
      y[i] = cast<T>(uniform_from_bits(words[i]) >= p ? cast<Real>(in[i]) * scale : Real(0));
  }
};

// (key, index) pairs; the padding comes last.
struct Keyed {
  uint64_t key;
  int64_t index;
};

__global__ void __launch_bounds__(kThreads)
    keys_kernel(PhiloxStart start, Keyed* keys, int64_t count, int64_t padded) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= padded) return;
  const PhiloxBlock numbers = block_at(start, uint64_t(i) / 2);
  keys[i] = i < count ? Keyed{joined(numbers.words + i % 2 * 2), i} : Keyed{UINT64_MAX, i};
}

// One step of a bitonic sort (Batcher, 1968): pairs at distance `step`, ascending in even runs of `run`.
__global__ void __launch_bounds__(kThreads)
    bitonic_kernel(Keyed* keys, int64_t padded, int64_t run, int64_t step) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x, other = i ^ step;
  if (i >= padded || other <= i) return;
  const Keyed a = keys[i], b = keys[other];
  const bool greater = a.key > b.key || (a.key == b.key && a.index > b.index);
  if (greater != ((i & run) == 0)) return;
  keys[i] = b;
  keys[other] = a;
}

__global__ void __launch_bounds__(kThreads) indices_kernel(const Keyed* keys, int64_t* y, int64_t count) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < count) y[i] = keys[i].index;
}

}  // namespace

void uniform(CudaContext& ctx, const PhiloxStart& start, double low, double high, TensorView y) {
  visit_device_floating(y.dtype, "uniform", [&]<class T>() {
    using Real = device_accumulate_t<T>;
    generate<kPerBlock<T>, T>(ctx, "uniform", start, y, Uniform<T>{Real(low), Real(high - low)});
  });
}

void normal(CudaContext& ctx, const PhiloxStart& start, double mean, double std, TensorView y) {
  visit_device_floating(y.dtype, "normal", [&]<class T>() {
    using Real = device_accumulate_t<T>;
    generate<kPerBlock<Real>, T>(ctx, "normal", start, y, Normal<T>{Real(mean), Real(std)});
  });
}

void integers(CudaContext& ctx, const PhiloxStart& start, int64_t low, uint64_t range, TensorView y) {
  visit_device_number(y.dtype, "randint", [&]<class T>() {
    generate<2, T>(ctx, "randint", start, y, Integers<T>{low, range});
  });
}

void bernoulli(CudaContext& ctx, const PhiloxStart& start, TensorView p, TensorView y) {
  visit_device_floating(y.dtype, "bernoulli", [&]<class T>() {
    generate<4, T>(
        ctx, "bernoulli", start, y,
        Bernoulli<T>{p.as<T>(), cuda::found_error(), "bernoulli: probabilities must lie in [0, 1]"});
  });
}

void permutation(CudaContext& ctx, const PhiloxStart& start, TensorView y) {
  const int64_t count = y.numel();
  if (count == 0) return;
  const int64_t padded = int64_t(std::bit_ceil(uint64_t(count)));
  const Tensor memory = empty_on(ctx, {padded, 2}, int64);
  Keyed* keys = TensorView(memory).as<Keyed>();
  const gpu::Launch all{.grid = blocks_for(padded, kThreads), .block = kThreads};
  launch(ctx, "randperm", keys_kernel, all, start, keys, count, padded);
  for (int64_t run = 2; run <= padded; run *= 2)
    for (int64_t step = run / 2; step > 0; step /= 2)
      launch(ctx, "randperm", bitonic_kernel, all, keys, padded, run, step);
  launch(ctx, "randperm", indices_kernel, all, keys, y.as<int64_t>(), count);
}

void dropout(CudaContext& ctx, const PhiloxStart& start, double p, double scale, TensorView x, TensorView y) {
  visit_device_floating(y.dtype, "dropout", [&]<class T>() {
    using Real = device_accumulate_t<T>;
    generate<4, T>(ctx, "dropout", start, y, Dropout<T>{x.as<T>(), float(p), Real(scale)});
  });
}

}  // namespace kiln::kernels
