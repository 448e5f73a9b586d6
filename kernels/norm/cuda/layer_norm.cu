#include <kiln/kernels/norm/layer_norm.h>

#include <kiln/kernels/base/cuda/block_reduce.cuh>
#include <kiln/kernels/base/cuda/element.cuh>
#include <kiln/kernels/base/cuda/launch.cuh>
#include <kiln/kernels/base/cuda/scratch.cuh>

#include <algorithm>
#include <cmath>

namespace kiln::kernels {
namespace {

constexpr int kThreads = 256, kColumns = 32, kRows = kThreads / kColumns;

// A row by kThreads threads, a warp or the block, in packs; f(i, pack of x) sees each element's pack.
template <int kGroup, int kPack, class T, class F>
__device__ __forceinline__ void each_pack(const T* row, int64_t size, const F& f) {
  using Pack = gpu::Pack<T, kPack>;
  for (int64_t i = threadIdx.x % kGroup; i < size / kPack; i += kGroup)
    f(i * kPack, gpu::load(reinterpret_cast<const Pack*>(row) + i));
}

// kPack numbers of a vector from i on, `missing` where there is none, in accesses of up to 16 bytes.
template <int kPack, class Acc>
__device__ __forceinline__ gpu::Pack<Acc, kPack> numbers_at(const Acc* vector, int64_t i, Acc missing) {
  constexpr int kPart = std::min(kPack, int(16 / sizeof(Acc)));
  gpu::Pack<Acc, kPack> numbers;
#pragma unroll
  for (int first = 0; first < kPack; first += kPart) {
    gpu::Pack<Acc, kPart> part;
#pragma unroll
    for (int e = 0; e < kPart; ++e) part[e] = missing;
    if (vector != nullptr)
      part = gpu::load(reinterpret_cast<const gpu::Pack<Acc, kPart>*>(vector + i + first));
#pragma unroll
    for (int e = 0; e < kPart; ++e) numbers[first + e] = part[e];
  }
  return numbers;
}

template <class Acc>
struct RowVectors {
  const Acc *weight, *bias;
  Acc *mean, *rstd;
};

// Reads x and writes y once; x comes from the cache in the second and third pass.
template <class T, int kGroup, int kPack, class Acc = device_accumulate_t<T>>
__global__ void __launch_bounds__(kThreads)
    layer_norm_kernel(LayerNormGeometry g, const T* x, RowVectors<Acc> v, Acc eps, T* y) {
  using Pack = gpu::Pack<T, kPack>;
  const int64_t row = int64_t(blockIdx.x) * (kThreads / kGroup) + threadIdx.x / kGroup;
  if (row >= g.rows) return;  // a warp as one
  const T* in = x + row * g.size;
  Acc sum = 0, squares = 0;
  each_pack<kGroup, kPack>(in, g.size, [&](int64_t, const Pack& pack) {
#pragma unroll
    for (int e = 0; e < kPack; ++e) sum += cast<Acc>(pack[e]);
  });
  const Acc mean = block_reduce<kGroup>(sum, Plus()) / Acc(g.size);
  each_pack<kGroup, kPack>(in, g.size, [&](int64_t, const Pack& pack) {
#pragma unroll
    for (int e = 0; e < kPack; ++e) squares += (cast<Acc>(pack[e]) - mean) * (cast<Acc>(pack[e]) - mean);
  });
  const Acc rstd = Acc(1) / std::sqrt(block_reduce<kGroup>(squares, Plus()) / Acc(g.size) + eps);
  if (threadIdx.x % kGroup == 0) {
    v.mean[row] = mean;
    v.rstd[row] = rstd;
  }
  each_pack<kGroup, kPack>(in, g.size, [&](int64_t i, const Pack& pack) {
    const auto weight = numbers_at<kPack>(v.weight, i, Acc(1)), bias = numbers_at<kPack>(v.bias, i, Acc(0));
    Pack out;
#pragma unroll
    for (int e = 0; e < kPack; ++e)
      out[e] = cast<T>((cast<Acc>(pack[e]) - mean) * rstd * weight[e] + bias[e]);
    gpu::store(reinterpret_cast<Pack*>(y + row * g.size + i), out);
  });
}

// Blocks of an SM at least: leaves the compiler 64 registers (float64: 128), where its own choice of fewer
// spills.
template <class T>
constexpr int kBlocks = std::is_same_v<T, double> ? 2 : 4;

// Reads x and g and writes dx once; the second pass reads from the cache.
template <class T, int kGroup, int kPack, class Acc = device_accumulate_t<T>>
__global__ void __launch_bounds__(kThreads, kBlocks<T>)
    layer_norm_input_grad_kernel(LayerNormGeometry geometry, const T* x, const T* g, RowVectors<Acc> v,
                                 T* dx) {
  using Pack = gpu::Pack<T, kPack>;
  const int64_t row = int64_t(blockIdx.x) * (kThreads / kGroup) + threadIdx.x / kGroup;
  if (row >= geometry.rows) return;
  const int64_t size = geometry.size;
  const T *in = x + row * size, *grad = g + row * size;
  const Acc mean = v.mean[row], rstd = v.rstd[row];
  Acc sum = 0, dot = 0;
  each_pack<kGroup, kPack>(in, size, [&](int64_t i, const Pack& values) {
    const Pack passed = gpu::load(reinterpret_cast<const Pack*>(grad + i));
    const auto weight = numbers_at<kPack>(v.weight, i, Acc(1));
#pragma unroll
    for (int e = 0; e < kPack; ++e) {
      const Acc p = cast<Acc>(passed[e]) * weight[e];
      sum += p;
      dot += p * (cast<Acc>(values[e]) - mean);
    }
  });
  sum = block_reduce<kGroup>(sum, Plus()) / Acc(size);
  dot = block_reduce<kGroup>(dot, Plus()) * rstd * rstd / Acc(size);
  each_pack<kGroup, kPack>(in, size, [&](int64_t i, const Pack& values) {
    const Pack passed = gpu::load(reinterpret_cast<const Pack*>(grad + i));
    const auto weight = numbers_at<kPack>(v.weight, i, Acc(1));
    Pack out;
#pragma unroll
    for (int e = 0; e < kPack; ++e) {
      const Acc p = cast<Acc>(passed[e]) * weight[e];
      out[e] = cast<T>(rstd * (p - sum - (cast<Acc>(values[e]) - mean) * dot));
    }
    gpu::store(reinterpret_cast<Pack*>(dx + row * size + i), out);
  });
}

template <class Acc>
struct Sums {
  Acc g, dot;
  __device__ Sums operator+(const Sums& other) const { return {g + other.g, dot + other.dot}; }
};

// The sums of a chunk of rows (blockIdx.y) for a tile of columns, [size, chunks]. Reads x and g once.
template <class T, class Acc = device_accumulate_t<T>>
__global__ void __launch_bounds__(kThreads)
    layer_norm_sums_kernel(LayerNormGeometry geometry, const T* x, const T* g, const Acc* mean,
                           const Acc* rstd, int64_t chunk, Sums<Acc>* partial) {
  const int64_t column = int64_t(blockIdx.x) * kColumns + threadIdx.x;
  const int64_t begin = blockIdx.y * chunk, end = min(geometry.rows, begin + chunk);
  Sums<Acc> sums{0, 0};
  if (column < geometry.size)
#pragma unroll 4
    for (int64_t row = begin + threadIdx.y; row < end; row += kRows) {
      const Acc grad = cast<Acc>(g[row * geometry.size + column]);
      sums.g += grad;
      sums.dot += grad * ((cast<Acc>(x[row * geometry.size + column]) - mean[row]) * rstd[row]);
    }
  sums = column_reduce<kThreads>(sums, Plus());
  if (threadIdx.y == 0 && column < geometry.size) partial[column * gridDim.y + blockIdx.y] = sums;
}

// A warp merges the chunks of a column.
template <class Acc>
__global__ void __launch_bounds__(kThreads)
    layer_norm_merge_kernel(const Sums<Acc>* partial, int chunks, int64_t size, Acc* dweight, Acc* dbias) {
  const int64_t column = int64_t(blockIdx.x) * (kThreads / kWarp) + threadIdx.x / kWarp;
  if (column >= size) return;
  Sums<Acc> all{0, 0};
  for (int i = threadIdx.x % kWarp; i < chunks; i += kWarp) all = all + partial[column * chunks + i];
  all = warp_reduce(all, Plus());
  if (threadIdx.x % kWarp != 0) return;
  dweight[column] = all.dot;
  dbias[column] = all.g;
}

// Calls f.operator()<kGroup, kPack>(): a warp a row for short rows, 16-byte packs where they fit.
template <class T, class F>
void with_rows(const LayerNormGeometry& g, std::initializer_list<const void*> addresses, const F& f) {
  constexpr int kPack = 16 / sizeof(T);
  constexpr int64_t kWarpSize = 1024;
  bool fits = g.size % kPack == 0;
  for (const void* address : addresses) fits = fits && reinterpret_cast<uintptr_t>(address) % 16 == 0;
  if (g.size <= kWarpSize)
    fits ? f.template operator()<kWarp, kPack>() : f.template operator()<kWarp, 1>();
  else
    fits ? f.template operator()<kThreads, kPack>() : f.template operator()<kThreads, 1>();
}

}  // namespace

void layer_norm(CudaContext& ctx, const LayerNormGeometry& g, TensorView x, TensorView weight,
                TensorView bias, double eps, TensorView y, TensorView mean, TensorView rstd) {
  visit_device_floating(x.dtype, "layer_norm", [&]<class T>() {
    using Acc = device_accumulate_t<T>;
    const RowVectors<Acc> v{weight.as<Acc>(), bias.as<Acc>(), mean.as<Acc>(), rstd.as<Acc>()};
    with_rows<T>(g, {x.data, y.data, weight.data, bias.data}, [&]<int kGroup, int kPack>() {
      launch(ctx, "layer_norm", layer_norm_kernel<T, kGroup, kPack>,
             {.grid = blocks_for(g.rows, kThreads / kGroup), .block = kThreads}, g, x.as<const T>(), v,
             Acc(eps), y.as<T>());
    });
  });
}

void layer_norm_input_grad(CudaContext& ctx, const LayerNormGeometry& geometry, TensorView x, TensorView g,
                           TensorView weight, TensorView mean, TensorView rstd, TensorView dx) {
  visit_device_floating(x.dtype, "layer_norm_backward", [&]<class T>() {
    using Acc = device_accumulate_t<T>;
    const RowVectors<Acc> v{weight.as<Acc>(), nullptr, mean.as<Acc>(), rstd.as<Acc>()};
    with_rows<T>(geometry, {x.data, g.data, dx.data, weight.data}, [&]<int kGroup, int kPack>() {
      launch(ctx, "layer_norm_backward", layer_norm_input_grad_kernel<T, kGroup, kPack>,
             {.grid = blocks_for(geometry.rows, kThreads / kGroup), .block = kThreads}, geometry,
             x.as<const T>(), g.as<const T>(), v, dx.as<T>());
    });
  });
}

void layer_norm_sums(CudaContext& ctx, const LayerNormGeometry& geometry, TensorView x, TensorView g,
                     TensorView mean, TensorView rstd, TensorView dweight, TensorView dbias) {
  constexpr int64_t kBlocks = 1024, kLeastRows = 64;
  if (geometry.size == 0) return;
  const unsigned tiles = blocks_for(geometry.size, kColumns);
  const int64_t wanted = std::max<int64_t>(1, kBlocks / tiles);
  const int64_t chunk = std::max(kLeastRows, (geometry.rows + wanted - 1) / wanted);
  const int64_t chunks = std::max<int64_t>(1, (geometry.rows + chunk - 1) / chunk);
  visit_device_floating(x.dtype, "layer_norm_backward", [&]<class T>() {
    using Acc = device_accumulate_t<T>;
    const DeviceScratch<Sums<Acc>> partial(ctx, geometry.size * chunks);
    launch(ctx, "layer_norm_backward", layer_norm_sums_kernel<T>,
           {.grid = dim3(tiles, unsigned(chunks)), .block = dim3(kColumns, kRows)}, geometry, x.as<const T>(),
           g.as<const T>(), mean.as<Acc>(), rstd.as<Acc>(), chunk, partial.data());
    launch(ctx, "layer_norm_backward", layer_norm_merge_kernel<Acc>,
           {.grid = blocks_for(geometry.size, kThreads / kWarp), .block = kThreads}, partial.data(),
           int(chunks), geometry.size, dweight.as<Acc>(), dbias.as<Acc>());
  });
}

}  // namespace kiln::kernels
