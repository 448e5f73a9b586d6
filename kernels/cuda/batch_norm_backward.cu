#include <kiln/kernels/batch_norm.h>

#include <kiln/kernels/cuda/channel_walk.cuh>

namespace kiln::kernels {
namespace {

using namespace norm;

// g where the relu let x through; NaN passes.
template <class Acc>
__device__ __forceinline__ Acc masked(BatchNormMask mask, Acc g, Acc normalised, Acc y) {
  if (mask == BatchNormMask::from_x) return normalised <= 0 ? Acc(0) : g;
  if (mask == BatchNormMask::from_y) return y <= 0 ? Acc(0) : g;
  return g;
}

template <class Acc>
struct Sums {
  Acc g, dot;  // of g, and of g * (x - mean)
  __device__ Sums operator+(const Sums& other) const { return {g + other.g, dot + other.dot}; }
};

template <class T>
struct SumsOperands {
  const T *x, *g, *y;
  T* masked_g;
};

// The sums of the block's chunk of each of its channels, for take(channel, sums) in one thread each.
template <class Walk, class T, class Acc, class Take>
__device__ __forceinline__ void chunk_sums(const Walk& walk, const SumsOperands<T>& p,
                                           const Vectors<Acc>& vectors, BatchNormMask mask,
                                           const Take& take) {
  constexpr int kPack = Walk::kWidth;
  const ScaleShift<Acc, Walk::kChannels> normalised(vectors, walk.channel, walk.channels);
  Acc mean[Walk::kChannels];
  Sums<Acc> sums[Walk::kChannels] = {};
#pragma unroll
  for (int k = 0; k < Walk::kChannels; ++k) mean[k] = vectors.mean[min(walk.channel + k, walk.channels - 1)];
  walk.template each<2>([&](auto together, const auto& offsets) {
    constexpr int kCount = decltype(together)::value;
    using Values = Packs<kPack, kCount, T>;
    const Values x(p.x, offsets), g(p.g, offsets);
    Values y = x;
    if (mask == BatchNormMask::from_y) y = Values(p.y, offsets);
#pragma unroll
    for (int n = 0; n < kCount; ++n) {
      gpu::Pack<T, kPack> out;
#pragma unroll
      for (int e = 0; e < kPack; ++e) {
        const int k = Walk::of(e);
        const Acc value = cast<Acc>(x.at[n][e]);
        const Acc v = masked(mask, cast<Acc>(g.at[n][e]), normalised(value, k), cast<Acc>(y.at[n][e]));
        sums[k].g += v;
        sums[k].dot += v * (value - mean[k]);
        out[e] = cast<T>(v);
      }
      if (mask == BatchNormMask::from_y)
        gpu::store(reinterpret_cast<gpu::Pack<T, kPack>*>(p.masked_g + offsets[n]), out);
    }
  });
#pragma unroll
  for (int k = 0; k < Walk::kChannels; ++k)
    if (walk.merge(sums[k], Plus())) take(walk.channel + k, sums[k]);
}

// [channels, chunks]. Reads x and g; with from_y reads y and writes masked_g too.
template <class T, int kPack, bool kPlanes, class Acc = device_accumulate_t<T>>
__global__ void __launch_bounds__(kThreads)
    batch_norm_sums_kernel(BatchNormGeometry geometry, SumsOperands<T> p, Vectors<Acc> vectors,
                           BatchNormMask mask, int64_t chunk, Sums<Acc>* partial) {
  chunk_sums(ChannelWalk<kPack, kPlanes>(geometry, chunk), p, vectors, mask,
             [&](int64_t c, const Sums<Acc>& sums) { partial[c * gridDim.y + blockIdx.y] = sums; });
}

// A warp merges the chunks of a channel.
template <class Acc>
__global__ void __launch_bounds__(kThreads)
    batch_norm_merge_kernel(const Sums<Acc>* partial, int chunks, int64_t channels, const Acc* rstd,
                            Acc* dweight, Acc* dbias) {
  const int64_t c = int64_t(blockIdx.x) * (kThreads / kWarp) + threadIdx.x / kWarp;
  if (c >= channels) return;
  Sums<Acc> all{0, 0};
  for (int i = threadIdx.x % kWarp; i < chunks; i += kWarp) all = all + partial[c * chunks + i];
  all = warp_reduce(all, Plus());
  if (threadIdx.x % kWarp != 0) return;
  dweight[c] = all.dot * rstd[c];
  dbias[c] = all.g;
}

template <class Walk, class T, class Acc>
__device__ __forceinline__ void input_grad(const Walk& walk, int64_t values, const T* x, const T* g,
                                           const Vectors<Acc>& vectors, BatchNormMask mask,
                                           const Acc* dweight, const Acc* dbias, T* dx) {
  constexpr int kPack = Walk::kWidth;
  const ScaleShift<Acc, Walk::kChannels> normalised(vectors, walk.channel, walk.channels);
  Acc mean[Walk::kChannels], slope[Walk::kChannels], constant[Walk::kChannels];
  const Acc share = Acc(1) / Acc(values);
#pragma unroll
  for (int k = 0; k < Walk::kChannels; ++k) {
    const int64_t c = min(walk.channel + k, walk.channels - 1);
    const Acc scale = normalised.scale[k];
    mean[k] = vectors.mean[c];
    slope[k] = dweight == nullptr ? Acc(0) : -scale * vectors.rstd[c] * dweight[c] * share;
    constant[k] = dbias == nullptr ? Acc(0) : -scale * dbias[c] * share;
  }
  walk.template each<2>([&](auto together, const auto& offsets) {
    constexpr int kCount = decltype(together)::value;
    const Packs<kPack, kCount, T> in(x, offsets), grad(g, offsets);
#pragma unroll
    for (int n = 0; n < kCount; ++n) {
      gpu::Pack<T, kPack> out;
#pragma unroll
      for (int e = 0; e < kPack; ++e) {
        const int k = Walk::of(e);
        const Acc value = cast<Acc>(in.at[n][e]);
        const Acc v =
            mask == BatchNormMask::from_x && normalised(value, k) <= 0 ? Acc(0) : cast<Acc>(grad.at[n][e]);
        out[e] = cast<T>(normalised.scale[k] * v + (slope[k] * (value - mean[k]) + constant[k]));
      }
      gpu::store(reinterpret_cast<gpu::Pack<T, kPack>*>(dx + offsets[n]), out);
    }
  });
}

// Reads x and g, writes dx.
template <class T, int kPack, bool kPlanes, class Acc = device_accumulate_t<T>>
__global__ void __launch_bounds__(kThreads)
    batch_norm_input_grad_kernel(BatchNormGeometry geometry, const T* x, const T* g, Vectors<Acc> vectors,
                                 BatchNormMask mask, const Acc* dweight, const Acc* dbias, T* dx,
                                 int64_t chunk) {
  input_grad(ChannelWalk<kPack, kPlanes>(geometry, chunk), geometry.outer * geometry.inner, x, g, vectors,
             mask, dweight, dbias, dx);
}

// A block has its channels to itself. Reads x and g (or masked_g, which its threads wrote) a second time from
// the cache.
template <class T, int kPack, bool kPlanes, class Acc = device_accumulate_t<T>>
__global__ void __launch_bounds__(kThreads)
    batch_norm_backward_kernel(BatchNormGeometry geometry, SumsOperands<T> p, Vectors<Acc> vectors,
                               BatchNormMask mask, Acc* dweight, Acc* dbias, T* dx, int64_t chunk) {
  using Walk = ChannelWalk<kPack, kPlanes>;
  chunk_sums(Walk(geometry, chunk), p, vectors, mask, [&](int64_t c, const Sums<Acc>& sums) {
    dweight[c] = sums.dot * vectors.rstd[c];
    dbias[c] = sums.g;
  });
  __syncthreads();
  input_grad(Walk(geometry, chunk), geometry.outer * geometry.inner, p.x,
             mask == BatchNormMask::from_y ? p.masked_g : p.g, vectors, mask,
             static_cast<const Acc*>(dweight), static_cast<const Acc*>(dbias), dx);
}

}  // namespace

void batch_norm_sums(CudaContext& ctx, const BatchNormGeometry& geometry, TensorView x, TensorView g,
                     TensorView y, const BatchNormVectors& vectors, BatchNormMask mask, TensorView dweight,
                     TensorView dbias, TensorView masked_g) {
  constexpr int64_t kBlocks = 1024;
  if (geometry.channels == 0) return;
  visit_device_floating(x.dtype, "batch_norm_backward", [&]<class T>() {
    using Acc = device_accumulate_t<T>;
    const SumsOperands<T> p{x.as<T>(), g.as<T>(), y.as<T>(), masked_g.as<T>()};
    with_packs<T>(geometry, {p.x, p.g, p.y, p.masked_g}, [&]<int kPack, bool kPlanes>() {
      const ChannelPlan plan(geometry, kPack, kPlanes, kBlocks);
      const DeviceScratch<Sums<Acc>> partial(ctx, geometry.channels * plan.chunks);
      launch(ctx, "batch_norm_backward", batch_norm_sums_kernel<T, kPack, kPlanes>,
             {.grid = plan.grid, .block = plan.block}, geometry, p, Vectors<Acc>(vectors), mask, plan.chunk,
             partial.data());
      launch(ctx, "batch_norm_backward", batch_norm_merge_kernel<Acc>,
             {.grid = blocks_for(geometry.channels, kThreads / kWarp), .block = kThreads}, partial.data(),
             int(plan.chunks), geometry.channels, vectors.rstd.as<Acc>(), dweight.as<Acc>(), dbias.as<Acc>());
    });
  });
}

void batch_norm_input_grad(CudaContext& ctx, const BatchNormGeometry& geometry, TensorView x, TensorView g,
                           const BatchNormVectors& vectors, BatchNormMask mask, TensorView dweight,
                           TensorView dbias, TensorView dx) {
  constexpr int64_t kElementsABlock = 16384;
  if (x.numel() == 0) return;
  visit_device_floating(x.dtype, "batch_norm_backward", [&]<class T>() {
    using Acc = device_accumulate_t<T>;
    with_packs<T>(geometry, {x.data, g.data, dx.data}, [&]<int kPack, bool kPlanes>() {
      const ChannelPlan plan(geometry, kPack, kPlanes, x.numel() / kElementsABlock + 1);
      launch(ctx, "batch_norm_backward", batch_norm_input_grad_kernel<T, kPack, kPlanes>,
             {.grid = plan.grid, .block = plan.block}, geometry, x.as<T>(), g.as<T>(), Vectors<Acc>(vectors),
             mask, dweight.as<Acc>(), dbias.as<Acc>(), dx.as<T>(), plan.chunk);
    });
  });
}

void batch_norm_backward(CudaContext& ctx, const BatchNormGeometry& geometry, TensorView x, TensorView g,
                         TensorView y, const BatchNormVectors& vectors, BatchNormMask mask,
                         TensorView dweight, TensorView dbias, TensorView masked_g, TensorView dx) {
  bool small = false;
  visit_device_floating(x.dtype, "batch_norm_backward", [&]<class T>() {
    if constexpr (kFitsOneKernel<T>) {
      using Acc = device_accumulate_t<T>;
      const SumsOperands<T> p{x.as<T>(), g.as<T>(), y.as<T>(), masked_g.as<T>()};
      with_packs<T>(geometry, {p.x, p.g, p.y, p.masked_g, dx.data}, [&]<int kPack, bool kPlanes>() {
        const ChannelPlan plan(geometry, kPack, kPlanes, 1);
        small = plan.is_small();
        if (!small) return;
        launch(ctx, "batch_norm_backward", batch_norm_backward_kernel<T, kPack, kPlanes>,
               {.grid = plan.grid, .block = plan.block}, geometry, p, Vectors<Acc>(vectors), mask,
               dweight.as<Acc>(), dbias.as<Acc>(), dx.as<T>(), plan.chunk);
      });
    }
  });
  if (small) return;
  batch_norm_sums(ctx, geometry, x, g, y, vectors, mask, dweight, dbias, masked_g);
  batch_norm_input_grad(ctx, geometry, x, masked_g.defined() ? masked_g : g, vectors, mask, dweight, dbias,
                        dx);
}

}  // namespace kiln::kernels
