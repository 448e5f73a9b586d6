#include <kiln/kernels/batch_norm.h>

#include <kiln/kernels/cuda/channel_walk.cuh>
#include <kiln/kernels/cuda/moments.cuh>

#include <cmath>

namespace kiln::kernels {
namespace {

using namespace norm;

// The moments of a chunk of each channel, [channels, chunks]. Reads x once.
template <class T, int kPack, bool kPlanes, class Acc = device_accumulate_t<T>>
__global__ void __launch_bounds__(kThreads)
    batch_norm_moments_kernel(BatchNormGeometry g, const T* x, int64_t chunk, Moments<Acc>* partial) {
  using Walk = ChannelWalk<kPack, kPlanes>;
  const Walk walk(g, chunk);
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
    if (walk.merge(all, MergeMoments())) partial[(walk.channel + k) * gridDim.y + blockIdx.y] = all;
  }
}

template <class Acc>
struct Statistics {
  Acc eps, momentum, *running_mean, *running_var, *mean, *rstd;
};

// A warp merges the chunks of a channel.
template <class Acc>
__global__ void __launch_bounds__(kThreads)
    batch_norm_statistics_kernel(const Moments<Acc>* partial, int chunks, int64_t channels,
                                 Statistics<Acc> to) {
  const int64_t c = int64_t(blockIdx.x) * (kThreads / kWarp) + threadIdx.x / kWarp;
  if (c >= channels) return;
  Moments<Acc> all{0, 0, 0};
  for (int i = threadIdx.x % kWarp; i < chunks; i += kWarp)
    all = MergeMoments()(all, partial[c * chunks + i]);
  all = warp_reduce(all, MergeMoments());
  if (threadIdx.x % kWarp != 0) return;
  to.mean[c] = all.mean;
  to.rstd[c] = 1 / std::sqrt(all.squares / all.count + to.eps);
  if (to.running_mean == nullptr) return;
  to.running_mean[c] = (1 - to.momentum) * to.running_mean[c] + to.momentum * all.mean;
  to.running_var[c] = (1 - to.momentum) * to.running_var[c] + to.momentum * (all.squares / (all.count - 1));
}

// Reads x (and the residual), writes y.
template <class T, int kPack, bool kPlanes, class Acc = device_accumulate_t<T>>
__global__ void __launch_bounds__(kThreads)
    batch_norm_apply_kernel(BatchNormGeometry g, const T* x, Vectors<Acc> vectors, const T* residual,
                            bool relu, T* y, int64_t chunk) {
  using Walk = ChannelWalk<kPack, kPlanes>;
  const Walk walk(g, chunk);
  const ScaleShift<Acc, Walk::kChannels> normalised(vectors, walk.channel, g.channels);
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

}  // namespace

void batch_norm_statistics(CudaContext& ctx, const BatchNormGeometry& g, TensorView x, double eps,
                           double momentum, TensorView running_mean, TensorView running_var, TensorView mean,
                           TensorView rstd) {
  constexpr int64_t kBlocks = 1024;
  if (g.channels == 0) return;
  visit_device_floating(x.dtype, "batch_norm", [&]<class T>() {
    using Acc = device_accumulate_t<T>;
    const Statistics<Acc> to{Acc(eps),       Acc(momentum), running_mean.as<Acc>(), running_var.as<Acc>(),
                             mean.as<Acc>(), rstd.as<Acc>()};
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

}  // namespace kiln::kernels
