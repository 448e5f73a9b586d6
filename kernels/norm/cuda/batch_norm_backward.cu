#include <kiln/kernels/norm/batch_norm.h>

#include <kiln/kernels/base/cuda/element.cuh>
#include <kiln/kernels/norm/cuda/channel_merge.cuh>
#include <kiln/kernels/norm/cuda/channel_vectors.cuh>

namespace kiln::kernels {
namespace {

using namespace norm;

// g where the relu let x through; NaN passes.
template <class Acc>
__device__ __forceinline__ Acc masked(BatchNormMask mask, Acc g, Acc normalised, Acc y, Acc most) {
  if (mask == BatchNormMask::none) return g;
  const Acc v = mask == BatchNormMask::from_x ? normalised : y;
  return v <= 0 || v >= most ? Acc(0) : g;
}

template <class T>
struct SumsOperands {
  const T *x, *g, *y;
  T* masked_g;
};

// The sums of g and of g * (x - mean) of a chunk.
template <class Walk, class T, class Acc>
__device__ __forceinline__ void chunk_sums(const Walk& walk, const SumsOperands<T>& p,
                                           const Vectors<Acc>& vectors, BatchNormMask mask, Pair<Acc>* row) {
  constexpr int kPack = Walk::kWidth;
  const ScaleShift<Acc, Walk::kChannels> normalised(vectors, walk.channel, walk.channels);
  Pair<Acc> sums[Walk::kChannels] = {};
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
        const Acc v = masked(mask, cast<Acc>(g.at[n][e]), normalised(value, k), cast<Acc>(y.at[n][e]),
                             vectors.relu_max);
        sums[k].at[0] += v;
        sums[k].at[1] += v * (value - normalised.mean[k]);
        out[e] = cast<T>(v);
      }
      if (mask == BatchNormMask::from_y)
        gpu::store(reinterpret_cast<gpu::Pack<T, kPack>*>(p.masked_g + offsets[n]), out);
    }
  });
  merge_tile(walk, Acc(0), sums, MergeSums(), row);
}

template <class Acc>
struct Gradients {
  const Acc* rstd;
  Acc *dweight, *dbias;

  __device__ __forceinline__ void operator()(int64_t c, Acc, const Pair<Acc>& sums) const {
    dweight[c] = sums.at[1] * rstd[c];
    dbias[c] = sums.at[0];
  }
};

// Reads x and g; with from_y reads y and writes masked_g too. Writes partial [chunks, channels].
template <class T, int kPack, bool kPlanes, class Acc = device_accumulate_t<T>>
__global__ void __launch_bounds__(kThreads)
    batch_norm_sums_kernel(BatchNormGeometry geometry, ChannelChunks chunks, SumsOperands<T> p,
                           Vectors<Acc> vectors, BatchNormMask mask, Pair<Acc>* partial) {
  chunks.each([&](unsigned tile, unsigned i) {
    chunk_sums(ChannelWalk<kPack, kPlanes>(geometry, chunks, tile, i), p, vectors, mask,
               partial + i * geometry.channels);
  });
}

template <class Acc>
__global__ void __launch_bounds__(kThreads)
    batch_norm_merge_kernel(ChannelChunks chunks, int64_t channels, const Pair<Acc>* partial,
                            Gradients<Acc> to) {
  merge_chunks(chunks, channels, partial, MergeSums(), to);
}

template <class Walk, class T, class Acc>
__device__ __forceinline__ void input_grad(const Walk& walk, int64_t values, const T* x, const T* g,
                                           const Vectors<Acc>& vectors, BatchNormMask mask,
                                           const Acc* dweight, const Acc* dbias, T* dx) {
  constexpr int kPack = Walk::kWidth;
  const ScaleShift<Acc, Walk::kChannels> normalised(vectors, walk.channel, walk.channels);
  Acc slope[Walk::kChannels] = {}, constant[Walk::kChannels] = {};
  if (dweight != nullptr) load_channels(dweight, walk.channel, walk.channels, slope);
  if (dbias != nullptr) load_channels(dbias, walk.channel, walk.channels, constant);
  const Acc share = Acc(1) / Acc(values);
  const BatchNormMask again = mask == BatchNormMask::from_x ? mask : BatchNormMask::none;
#pragma unroll
  for (int k = 0; k < Walk::kChannels; ++k) {
    slope[k] *= -normalised.scale[k] * normalised.rstd[k] * share;
    constant[k] *= -normalised.scale[k] * share;
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
        const Acc v = masked(again, cast<Acc>(grad.at[n][e]), normalised(value, k), Acc(0), vectors.relu_max);
        out[e] = cast<T>(normalised.scale[k] * v + (slope[k] * (value - normalised.mean[k]) + constant[k]));
      }
      gpu::store(reinterpret_cast<gpu::Pack<T, kPack>*>(dx + offsets[n]), out);
    }
  });
}

// Reads x and g, writes dx.
template <class T, int kPack, bool kPlanes, class Acc = device_accumulate_t<T>>
__global__ void __launch_bounds__(kThreads)
    batch_norm_input_grad_kernel(BatchNormGeometry geometry, ChannelChunks chunks, const T* x, const T* g,
                                 Vectors<Acc> vectors, BatchNormMask mask, const Acc* dweight,
                                 const Acc* dbias, T* dx) {
  chunks.each([&](unsigned tile, unsigned i) {
    input_grad(ChannelWalk<kPack, kPlanes>(geometry, chunks, tile, i), geometry.outer * geometry.inner, x, g,
               vectors, mask, dweight, dbias, dx);
  });
}

// Reads x and g (or masked_g, which its threads wrote) a second time, from the cache where that holds them;
// as batch_norm_train_kernel otherwise.
template <class T, int kPack, bool kPlanes, class Acc = device_accumulate_t<T>>
__global__ void __launch_bounds__(kThreads, kPack > 1 && !kPlanes ? 2 : kBlocksOfProcessor)
    batch_norm_backward_kernel(BatchNormGeometry geometry, ChannelChunks chunks, SumsOperands<T> p,
                               Vectors<Acc> vectors, BatchNormMask mask, Gradients<Acc> to, T* dx,
                               Pair<Acc>* partial) {
  using Walk = ChannelWalk<kPack, kPlanes>;
  chunks.each([&](unsigned tile, unsigned i) {
    chunk_sums(Walk(geometry, chunks, tile, i), p, vectors, mask, partial + i * geometry.channels);
  });
  merge_all<Walk>(chunks, geometry.channels, static_cast<const Pair<Acc>*>(partial), MergeSums(), to);
  const T* g = mask == BatchNormMask::from_y ? p.masked_g : p.g;
  chunks.each_back([&](unsigned tile, unsigned i) {
    input_grad(Walk(geometry, chunks, tile, i), geometry.outer * geometry.inner, p.x, g, vectors, mask,
               static_cast<const Acc*>(to.dweight), static_cast<const Acc*>(to.dbias), dx);
  });
}

template <class Acc>
Gradients<Acc> gradients_of(const BatchNormVectors& vectors, const TensorView& dweight,
                            const TensorView& dbias) {
  return {vectors.rstd.as<Acc>(), dweight.as<Acc>(), dbias.as<Acc>()};
}

}  // namespace

void batch_norm_sums(CudaContext& ctx, const BatchNormGeometry& geometry, TensorView x, TensorView g,
                     TensorView y, const BatchNormVectors& vectors, BatchNormMask mask, TensorView dweight,
                     TensorView dbias, TensorView masked_g) {
  if (geometry.channels == 0) return;
  visit_device_floating(x.dtype, "batch_norm_backward", [&]<class T>() {
    using Acc = device_accumulate_t<T>;
    const SumsOperands<T> p{x.as<T>(), g.as<T>(), y.as<T>(), masked_g.as<T>()};
    with_packs<T>(geometry, {p.x, p.g, p.y, p.masked_g}, [&]<int kPack, bool kPlanes>() {
      const ChannelPlan plan(geometry, kPack, kPlanes, kSummedChunks);
      const DeviceScratch<Pair<Acc>> partial(ctx, geometry.channels * plan.chunks.count);
      launch(ctx, "batch_norm_backward", batch_norm_sums_kernel<T, kPack, kPlanes>,
             {.grid = plan.grid(), .block = plan.block}, geometry, plan.chunks, p, Vectors<Acc>(vectors),
             mask, partial.data());
      launch(ctx, "batch_norm_backward", batch_norm_merge_kernel<Acc>,
             {.grid = blocks_to_merge(geometry.channels), .block = kThreads}, plan.chunks, geometry.channels,
             partial.data(), gradients_of<Acc>(vectors, dweight, dbias));
    });
  });
}

void batch_norm_input_grad(CudaContext& ctx, const BatchNormGeometry& geometry, TensorView x, TensorView g,
                           const BatchNormVectors& vectors, BatchNormMask mask, TensorView dweight,
                           TensorView dbias, TensorView dx) {
  if (x.numel() == 0) return;
  visit_device_floating(x.dtype, "batch_norm_backward", [&]<class T>() {
    using Acc = device_accumulate_t<T>;
    with_packs<T>(geometry, {x.data, g.data, dx.data}, [&]<int kPack, bool kPlanes>() {
      const ChannelPlan plan(geometry, kPack, kPlanes, chunks_for(x.numel()));
      launch(ctx, "batch_norm_backward", batch_norm_input_grad_kernel<T, kPack, kPlanes>,
             {.grid = plan.grid(), .block = plan.block}, geometry, plan.chunks, x.as<T>(), g.as<T>(),
             Vectors<Acc>(vectors), mask, dweight.as<Acc>(), dbias.as<Acc>(), dx.as<T>());
    });
  });
}

void batch_norm_backward(CudaContext& ctx, const BatchNormGeometry& geometry, TensorView x, TensorView g,
                         TensorView y, const BatchNormVectors& vectors, BatchNormMask mask,
                         TensorView dweight, TensorView dbias, TensorView masked_g, TensorView dx) {
  bool done = false;
  visit_device_floating(x.dtype, "batch_norm_backward", [&]<class T>() {
    using Acc = device_accumulate_t<T>;
    const SumsOperands<T> p{x.as<T>(), g.as<T>(), y.as<T>(), masked_g.as<T>()};
    with_packs<T>(geometry, {p.x, p.g, p.y, p.masked_g, dx.data}, [&]<int kPack, bool kPlanes>() {
      const ChannelPlan plan(geometry, kPack, kPlanes, kSummedChunks);
      done = launch_chunks<Acc>(ctx, "batch_norm_backward", batch_norm_backward_kernel<T, kPack, kPlanes>,
                                plan, geometry, p, Vectors<Acc>(vectors), mask,
                                gradients_of<Acc>(vectors, dweight, dbias), dx.as<T>());
    });
  });
  if (done) return;
  batch_norm_sums(ctx, geometry, x, g, y, vectors, mask, dweight, dbias, masked_g);
  batch_norm_input_grad(ctx, geometry, x, masked_g.defined() ? masked_g : g, vectors, mask, dweight, dbias,
                        dx);
}

}  // namespace kiln::kernels
