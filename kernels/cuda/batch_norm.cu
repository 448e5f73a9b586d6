#include <kiln/kernels/batch_norm.h>

#include <kiln/kernels/cuda/channel_walk.cuh>
#include <kiln/kernels/cuda/moments.cuh>

#include <cmath>

namespace kiln::kernels {
namespace {

using namespace norm;

// The moments of the block's chunk of each of its channels, for take(channel, moments) in one thread each.
template <class Walk, class T, class Take>
__device__ __forceinline__ void chunk_moments(const Walk& walk, const T* x, const Take& take) {
  using Acc = device_accumulate_t<T>;
  constexpr int kPack = Walk::kWidth;
  constexpr bool kPlanes = Walk::kIsPlanes;
  Acc count = 0, means[Walk::kChannels] = {}, squares[Walk::kChannels] = {};
  walk.template each<4>([&](auto together, const auto& offsets) {
    constexpr int kCount = decltype(together)::value, kValues = kCount * kPack / Walk::kChannels;
    const Packs<kPack, kCount, T> in(x, offsets);
    const Acc total = count + kValues, share = kValues / total;
#pragma unroll
    for (int k = 0; k < Walk::kChannels; ++k) {
      const auto value = [&](int j) {
        return cast<Acc>(kPlanes ? in.at[j / kPack][j % kPack] : in.at[j][k]);
      };
      Acc mean = 0, square = 0;
#pragma unroll
      for (int j = 0; j < kValues; ++j) mean += value(j);
      mean *= Acc(1) / kValues;
#pragma unroll
      for (int j = 0; j < kValues; ++j) square += (value(j) - mean) * (value(j) - mean);
      const Acc delta = mean - means[k];
      means[k] += delta * share;
      squares[k] += square + delta * delta * count * share;
    }
    count = total;
  });
#pragma unroll
  for (int k = 0; k < Walk::kChannels; ++k) {
    Moments<Acc> all{count, means[k], squares[k]};
    if (walk.merge(all, MergeMoments())) take(walk.channel + k, all);
  }
}

// [channels, chunks]. Reads x once.
template <class T, int kPack, bool kPlanes, class Acc = device_accumulate_t<T>>
__global__ void __launch_bounds__(kThreads)
    batch_norm_moments_kernel(BatchNormGeometry g, const T* x, int64_t chunk, Moments<Acc>* partial) {
  chunk_moments(ChannelWalk<kPack, kPlanes>(g, chunk), x, [&](int64_t c, const Moments<Acc>& moments) {
    partial[c * gridDim.y + blockIdx.y] = moments;
  });
}

template <class Acc>
struct Statistics {
  Acc eps, momentum, *running_mean, *running_var, *mean, *rstd;
  int64_t* batches;

  __device__ __forceinline__ void count_batch() const {
    if (batches != nullptr && blockIdx.x == 0 && threadIdx.x == 0 && threadIdx.y == 0) ++*batches;
  }
  __device__ __forceinline__ void set(int64_t c, const Moments<Acc>& all) const {
    mean[c] = all.mean;
    rstd[c] = 1 / std::sqrt(all.squares / all.count + eps);
    if (running_mean == nullptr) return;
    running_mean[c] = (1 - momentum) * running_mean[c] + momentum * all.mean;
    running_var[c] = (1 - momentum) * running_var[c] + momentum * (all.squares / (all.count - 1));
  }
};

// A warp merges the chunks of a channel.
template <class Acc>
__global__ void __launch_bounds__(kThreads)
    batch_norm_statistics_kernel(const Moments<Acc>* partial, int chunks, int64_t channels,
                                 Statistics<Acc> to) {
  to.count_batch();
  const int64_t c = int64_t(blockIdx.x) * (kThreads / kWarp) + threadIdx.x / kWarp;
  if (c >= channels) return;
  Moments<Acc> all{0, 0, 0};
  for (int i = threadIdx.x % kWarp; i < chunks; i += kWarp)
    all = MergeMoments()(all, partial[c * chunks + i]);
  all = warp_reduce(all, MergeMoments());
  if (threadIdx.x % kWarp == 0) to.set(c, all);
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
        out[e] = cast<T>(relu && value < 0 ? Acc(0) : value);  // NaN stays NaN
      }
      gpu::store(reinterpret_cast<gpu::Pack<T, kPack>*>(y + offsets[n]), out);
    }
  });
}

// Reads x (and the residual), writes y.
template <class T, int kPack, bool kPlanes, class Acc = device_accumulate_t<T>>
__global__ void __launch_bounds__(kThreads)
    batch_norm_apply_kernel(BatchNormGeometry g, const T* x, Vectors<Acc> vectors, const T* residual,
                            bool relu, T* y, int64_t chunk) {
  apply(ChannelWalk<kPack, kPlanes>(g, chunk), x, vectors, residual, relu, y);
}

// A block has its channels to itself. Reads x twice, the second time from the cache.
template <class T, int kPack, bool kPlanes, class Acc = device_accumulate_t<T>>
__global__ void __launch_bounds__(kThreads)
    batch_norm_train_kernel(BatchNormGeometry g, const T* x, Statistics<Acc> to, Vectors<Acc> vectors,
                            const T* residual, bool relu, T* y, int64_t chunk) {
  using Walk = ChannelWalk<kPack, kPlanes>;
  to.count_batch();
  if constexpr (kPlanes) {
    chunk_moments(Walk(g, chunk), x, [&](int64_t c, const Moments<Acc>& all) { to.set(c, all); });
  } else {
    // Through shared memory: divisions are calls, around which the sums of several channels would be spilt.
    auto& moments = gpu::shared<Moments<Acc>[kWarp * kPack]>();
    const int64_t begin = int64_t(blockIdx.x) * blockDim.x * kPack;
    chunk_moments(Walk(g, chunk), x, [&](int64_t c, const Moments<Acc>& all) { moments[c - begin] = all; });
    __syncthreads();
    const int count = int(min(int64_t(blockDim.x) * kPack, g.channels - begin));
    for (int i = int(threadIdx.y * blockDim.x + threadIdx.x); i < count; i += kThreads)
      to.set(begin + i, moments[i]);
  }
  __syncthreads();
  apply(Walk(g, chunk), x, vectors, residual, relu, y);
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
  constexpr int64_t kBlocks = 1024;
  if (g.channels == 0) return;
  visit_device_floating(x.dtype, "batch_norm", [&]<class T>() {
    using Acc = device_accumulate_t<T>;
    const Statistics<Acc> to = statistics_of<Acc>(eps, running, mean, rstd);
    with_packs<T>(g, {x.data}, [&]<int kPack, bool kPlanes>() {
      const ChannelPlan plan(g, kPack, kPlanes, kBlocks);
      const DeviceScratch<Moments<Acc>> partial(ctx, g.channels * plan.chunks);
      launch(ctx, "batch_norm", batch_norm_moments_kernel<T, kPack, kPlanes>,
             {.grid = plan.grid, .block = plan.block}, g, x.as<const T>(), plan.chunk, partial.data());
      launch(ctx, "batch_norm", batch_norm_statistics_kernel<Acc>,
             {.grid = blocks_for(g.channels, kThreads / kWarp), .block = kThreads}, partial.data(),
             int(plan.chunks), g.channels, to);
    });
  });
}

void batch_norm_apply(CudaContext& ctx, const BatchNormGeometry& g, TensorView x,
                      const BatchNormVectors& vectors, TensorView residual, bool relu, TensorView y) {
  constexpr int64_t kElementsABlock = 16384;
  if (x.numel() == 0) return;
  visit_device_floating(x.dtype, "batch_norm", [&]<class T>() {
    with_packs<T>(g, {x.data, residual.data, y.data}, [&]<int kPack, bool kPlanes>() {
      const ChannelPlan plan(g, kPack, kPlanes, x.numel() / kElementsABlock + 1);
      launch(ctx, "batch_norm", batch_norm_apply_kernel<T, kPack, kPlanes>,
             {.grid = plan.grid, .block = plan.block}, g, x.as<const T>(),
             Vectors<device_accumulate_t<T>>(vectors), residual.as<const T>(), relu, y.as<T>(), plan.chunk);
    });
  });
}

void batch_norm_train(CudaContext& ctx, const BatchNormGeometry& g, TensorView x, double eps,
                      const BatchNormRunning& running, const BatchNormVectors& vectors, TensorView residual,
                      bool relu, TensorView y) {
  bool small = false;
  visit_device_floating(x.dtype, "batch_norm", [&]<class T>() {
    if constexpr (kFitsOneKernel<T>) {
      using Acc = device_accumulate_t<T>;
      with_packs<T>(g, {x.data, residual.data, y.data}, [&]<int kPack, bool kPlanes>() {
        const ChannelPlan plan(g, kPack, kPlanes, 1);
        small = plan.is_small();
        if (!small) return;
        launch(ctx, "batch_norm", batch_norm_train_kernel<T, kPack, kPlanes>,
               {.grid = plan.grid, .block = plan.block}, g, x.as<const T>(),
               statistics_of<Acc>(eps, running, vectors.mean, vectors.rstd), Vectors<Acc>(vectors),
               residual.as<const T>(), relu, y.as<T>(), plan.chunk);
      });
    }
  });
  if (small) return;
  batch_norm_statistics(ctx, g, x, eps, running, vectors.mean, vectors.rstd);
  batch_norm_apply(ctx, g, x, vectors, residual, relu, y);
}

}  // namespace kiln::kernels
