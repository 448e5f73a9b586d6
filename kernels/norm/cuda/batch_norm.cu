#include <kiln/kernels/norm/batch_norm.h>

#include <kiln/kernels/base/cuda/cooperative.cuh>
#include <kiln/kernels/base/cuda/element.cuh>
#include <kiln/kernels/base/cuda/scratch.cuh>
#include <kiln/kernels/norm/cuda/channel_merge.cuh>
#include <kiln/kernels/norm/cuda/channel_vectors.cuh>

namespace kiln::kernels {
namespace {

using namespace norm;

// The means and squares of a chunk.
template <class Walk, class T, class Acc>
__device__ __forceinline__ void chunk_moments(const Walk& walk, const T* x, Pair<Acc>* row) {
  constexpr int kPack = Walk::kWidth;
  Acc count = 0;
  Pair<Acc> moments[Walk::kChannels] = {};
  walk.template each<4>([&](auto together, const auto& offsets) {
    constexpr int kCount = decltype(together)::value, kValues = kCount * kPack / Walk::kChannels;
    const Packs<kPack, kCount, T> in(x, offsets);
#pragma unroll
    for (int k = 0; k < Walk::kChannels; ++k) {
      const auto value = [&](int j) {
        return cast<Acc>(Walk::kIsPlanes ? in.at[j / kPack][j % kPack] : in.at[j][k]);
      };
      Pair<Acc> own = {};
#pragma unroll
      for (int j = 0; j < kValues; ++j) own.at[0] += value(j);
      own.at[0] *= Acc(1) / kValues;
#pragma unroll
      for (int j = 0; j < kValues; ++j) own.at[1] += (value(j) - own.at[0]) * (value(j) - own.at[0]);
      moments[k] = MergeMoments()(moments[k], count, own, Acc(kValues));
    }
    count += kValues;
  });
  merge_tile(walk, count, moments, MergeMoments(), row);
}

template <class Acc>
struct Statistics {
  Acc eps, momentum, *running_mean, *running_var, *mean, *rstd;
  int64_t* batches;

  __device__ __forceinline__ void count_batch() const {
    if (batches != nullptr && blockIdx.x == 0 && threadIdx.x == 0 && threadIdx.y == 0) ++*batches;
  }
  __device__ __forceinline__ void operator()(int64_t c, Acc count, const Pair<Acc>& moments) const {
    mean[c] = moments.at[0];
    rstd[c] = 1 / std::sqrt(moments.at[1] / count + eps);
    if (running_mean == nullptr) return;
    running_mean[c] = (1 - momentum) * running_mean[c] + momentum * moments.at[0];
    running_var[c] = (1 - momentum) * running_var[c] + momentum * (moments.at[1] / (count - 1));
  }
};

// Reads x once; writes partial [chunks, channels].
template <class T, int kPack, bool kPlanes, class Acc = device_accumulate_t<T>>
__global__ void __launch_bounds__(kThreads, kPack > 1 && !kPlanes ? 3 : kBlocksOfProcessor)
    batch_norm_moments_kernel(BatchNormGeometry g, ChannelChunks chunks, const T* x, Pair<Acc>* partial) {
  chunks.each([&](unsigned tile, unsigned i) {
    chunk_moments(ChannelWalk<kPack, kPlanes>(g, chunks, tile, i), x, partial + i * g.channels);
  });
}

template <class Acc>
__global__ void __launch_bounds__(kThreads)
    batch_norm_statistics_kernel(ChannelChunks chunks, int64_t channels, const Pair<Acc>* partial,
                                 Statistics<Acc> to) {
  to.count_batch();
  merge_chunks(chunks, channels, partial, MergeMoments(), to);
}

template <class Walk, class T, class Acc>
__device__ __forceinline__ void apply(const Walk& walk, const T* x, const Vectors<Acc>& vectors,
                                      const T* residual, bool relu, T* y) {
  constexpr int kPack = Walk::kWidth;
  const ScaleShift<Acc, Walk::kChannels> normalised(vectors, walk.channel, walk.channels);
  walk.template each<2>([&](auto together, const auto& offsets) {
    constexpr int kCount = decltype(together)::value;
    const Packs<kPack, kCount, T> in(x, offsets);
    Packs<kPack, kCount, T> more = in;
    if (residual != nullptr) more = Packs<kPack, kCount, T>(residual, offsets);
#pragma unroll
    for (int n = 0; n < kCount; ++n) {
      gpu::Pack<T, kPack> out;
#pragma unroll
      for (int e = 0; e < kPack; ++e) {
        Acc value = normalised(cast<Acc>(in.at[n][e]), Walk::of(e));
        if (residual != nullptr) value += cast<Acc>(more.at[n][e]);
        if (relu) value = value < 0 ? Acc(0) : value > vectors.relu_max ? vectors.relu_max : value;
        out[e] = cast<T>(value);  // NaN stays NaN
      }
      gpu::store(reinterpret_cast<gpu::Pack<T, kPack>*>(y + offsets[n]), out);
    }
  });
}

// Reads x (and the residual), writes y.
template <class T, int kPack, bool kPlanes, class Acc = device_accumulate_t<T>>
__global__ void __launch_bounds__(kThreads, kBlocksOfProcessor)
    batch_norm_apply_kernel(BatchNormGeometry g, ChannelChunks chunks, const T* x, Vectors<Acc> vectors,
                            const T* residual, bool relu, T* y) {
  chunks.each([&](unsigned tile, unsigned i) {
    apply(ChannelWalk<kPack, kPlanes>(g, chunks, tile, i), x, vectors, residual, relu, y);
  });
}

// Reads x twice, the second time from the cache where that holds it; x of one chunk has blocks that keep to
// their own channels, of more one whose blocks wait for each other.
template <class T, int kPack, bool kPlanes, class Acc = device_accumulate_t<T>>
__global__ void __launch_bounds__(kThreads, kPack == 8 && !kPlanes ? 3 : kBlocksOfProcessor)
    batch_norm_train_kernel(BatchNormGeometry g, ChannelChunks chunks, const T* x, Statistics<Acc> to,
                            Vectors<Acc> vectors, const T* residual, bool relu, T* y, Pair<Acc>* partial) {
  using Walk = ChannelWalk<kPack, kPlanes>;
  to.count_batch();
  chunks.each([&](unsigned tile, unsigned i) {
    chunk_moments(Walk(g, chunks, tile, i), x, partial + i * g.channels);
  });
  merge_all<Walk>(chunks, g.channels, static_cast<const Pair<Acc>*>(partial), MergeMoments(), to);
  chunks.each_back(
      [&](unsigned tile, unsigned i) { apply(Walk(g, chunks, tile, i), x, vectors, residual, relu, y); });
}

template <class Acc>
Statistics<Acc> statistics_of(double eps, const BatchNormRunning& running, const TensorView& mean,
                              const TensorView& rstd) {
  return {Acc(eps),       Acc(running.momentum), running.mean.as<Acc>(),       running.var.as<Acc>(),
          mean.as<Acc>(), rstd.as<Acc>(),        running.batches.as<int64_t>()};
}

}  // namespace

void batch_norm_statistics(CudaContext& ctx, const BatchNormGeometry& g, TensorView x, double eps,
                           const BatchNormRunning& running, TensorView mean, TensorView rstd) {
  if (g.channels == 0) return;
  visit_device_floating(x.dtype, "batch_norm", [&]<class T>() {
    using Acc = device_accumulate_t<T>;
    with_packs<T>(g, {x.data}, [&]<int kPack, bool kPlanes>() {
      const ChannelPlan plan(g, kPack, kPlanes, kSummedChunks);
      const DeviceScratch<Pair<Acc>> partial(ctx, g.channels * plan.chunks.count);
      launch(ctx, "batch_norm", batch_norm_moments_kernel<T, kPack, kPlanes>,
             {.grid = plan.grid(), .block = plan.block}, g, plan.chunks, x.as<const T>(), partial.data());
      launch(ctx, "batch_norm", batch_norm_statistics_kernel<Acc>,
             {.grid = blocks_to_merge(g.channels), .block = kThreads}, plan.chunks, g.channels,
             partial.data(), statistics_of<Acc>(eps, running, mean, rstd));
    });
  });
}

void batch_norm_apply(CudaContext& ctx, const BatchNormGeometry& g, TensorView x,
                      const BatchNormVectors& vectors, TensorView residual, bool relu, TensorView y) {
  if (x.numel() == 0) return;
  visit_device_floating(x.dtype, "batch_norm", [&]<class T>() {
    with_packs<T>(g, {x.data, residual.data, y.data}, [&]<int kPack, bool kPlanes>() {
      const ChannelPlan plan(g, kPack, kPlanes, chunks_for(x.numel()));
      launch(ctx, "batch_norm", batch_norm_apply_kernel<T, kPack, kPlanes>,
             {.grid = plan.grid(), .block = plan.block}, g, plan.chunks, x.as<const T>(),
             Vectors<device_accumulate_t<T>>(vectors), residual.as<const T>(), relu, y.as<T>());
    });
  });
}

void batch_norm_train(CudaContext& ctx, const BatchNormGeometry& g, TensorView x, double eps,
                      const BatchNormRunning& running, const BatchNormVectors& vectors, TensorView residual,
                      bool relu, TensorView y) {
  bool done = false;
  visit_device_floating(x.dtype, "batch_norm", [&]<class T>() {
    using Acc = device_accumulate_t<T>;
    with_packs<T>(g, {x.data, residual.data, y.data}, [&]<int kPack, bool kPlanes>() {
      const ChannelPlan plan(g, kPack, kPlanes, kSummedChunks);
      done = launch_chunks<Acc>(ctx, "batch_norm", batch_norm_train_kernel<T, kPack, kPlanes>, plan, g,
                                x.as<const T>(), statistics_of<Acc>(eps, running, vectors.mean, vectors.rstd),
                                Vectors<Acc>(vectors), residual.as<const T>(), relu, y.as<T>());
    });
  });
  if (done) return;
  batch_norm_statistics(ctx, g, x, eps, running, vectors.mean, vectors.rstd);
  batch_norm_apply(ctx, g, x, vectors, residual, relu, y);
}

}  // namespace kiln::kernels
