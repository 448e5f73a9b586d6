#pragma once

// For sources of kernels only: two numbers of each channel, merged over the threads of a block and over
// the chunks of a tensor. The order depends on the shape alone.

#include <kiln/kernels/base/cuda/block_reduce.cuh>
#include <kiln/kernels/base/cuda/cooperative.cuh>
#include <kiln/kernels/base/cuda/scratch.cuh>
#include <kiln/kernels/norm/cuda/channel_walk.cuh>

namespace kiln::kernels::norm {

template <class Acc>
using Pair = gpu::Pack<Acc, 2>;

// merge(a, n, b, m): of a pair that comes from n values and one from m others.

struct MergeSums {
  template <class Acc>
  __device__ __forceinline__ Pair<Acc> operator()(const Pair<Acc>& a, Acc, const Pair<Acc>& b, Acc) const {
    return {a.at[0] + b.at[0], a.at[1] + b.at[1]};
  }
};

// Mean and sum of squared deviations (Chan, Golub & LeVeque, 1979).
struct MergeMoments {
  template <class Acc>
  __device__ __forceinline__ Pair<Acc> operator()(const Pair<Acc>& a, Acc n, const Pair<Acc>& b,
                                                  Acc m) const {
    const Acc share = m == 0 ? Acc(0) : m / (n + m);
    const Acc delta = b.at[0] - a.at[0];
    return {a.at[0] + delta * share, a.at[1] + b.at[1] + delta * delta * n * share};
  }
};

// A block's threads, counted through, have kEach channels each; those with the same number modulo `columns`
// (a power of 2, at most a warp) have the same ones. take(i, n, pair) gets the i-th channel's pair of its n
// values, in one thread each, side by side. `n` is what the thread's pairs come from: the same in all columns
// of a row but those past the last channel.
template <int kEach, class Acc, class Merge, class Take>
__device__ __forceinline__ void merge_threads(unsigned columns, Acc n, Pair<Acc> (&pairs)[kEach],
                                              const Merge& merge, const Take& take) {
  constexpr int kWarps = kThreads / kWarp, kBanksBytes = 128;
  constexpr int kStride = kEach == 1 ? kWarp : kWarp + kBanksBytes / int(sizeof(Pair<Acc>)) / kEach;
  auto& partial = gpu::shared<Pair<Acc>[kWarps][kEach][kStride], struct MergedPairs>();
  auto& counts = gpu::shared<Acc[kWarps], struct MergedCounts>();
  const unsigned thread = threadIdx.y * blockDim.x + threadIdx.x, lane = thread % kWarp,
                 warp = thread / kWarp;
  for (unsigned step = columns; step < kWarp; step *= 2) {
    const bool first = (lane & step) == 0;
    const Acc m = shuffle_xor(n, int(step));
#pragma unroll
    for (int k = 0; k < kEach; ++k) {
      const Pair<Acc> other = shuffle_xor(pairs[k], int(step));
      pairs[k] = first ? merge(pairs[k], n, other, m) : merge(other, m, pairs[k], n);
    }
    n += m;
  }
  __syncthreads();
  if (lane < columns) {
#pragma unroll
    for (int k = 0; k < kEach; ++k) gpu::store(&partial[warp][k][lane], pairs[k]);
  }
  if (lane == 0) counts[warp] = n;
  __syncthreads();
  if (thread >= columns * kEach) return;
  Pair<Acc> all = gpu::load(&partial[0][thread % kEach][thread / kEach]);
  Acc total = counts[0];
#pragma unroll
  for (int w = 1; w < kWarps; ++w) {
    all = merge(all, total, gpu::load(&partial[w][thread % kEach][thread / kEach]), counts[w]);
    total += counts[w];
  }
  take(thread, total, all);
}

// The channels of a walk's tile, from what each thread has of its own, to the chunk's row of partial results.
template <class Walk, class Acc, class Merge>
__device__ __forceinline__ void merge_tile(const Walk& walk, Acc n, Pair<Acc> (&pairs)[Walk::kChannels],
                                           const Merge& merge, Pair<Acc>* row) {
  merge_threads(Walk::columns(), n, pairs, merge, [&](unsigned i, Acc, const Pair<Acc>& all) {
    if (walk.begin + i < walk.channels) gpu::store(row + walk.begin + i, all);
  });
}

// take(channel, n, pair) for the channels that fall to the block, from partial [chunks, channels].
template <class Acc, class Merge, class Take>
__device__ __forceinline__ void merge_chunks(const ChannelChunks& chunks, int64_t channels,
                                             const Pair<Acc>* partial, const Merge& merge, const Take& take) {
  constexpr unsigned kColumns = 4, kRows = kThreads / kColumns;  // pairs of float32 in a sector of 32 bytes
  const unsigned thread = threadIdx.y * blockDim.x + threadIdx.x;
  for (int64_t begin = int64_t(blockIdx.x) * kColumns; begin < channels;
       begin += int64_t(gridDim.x) * kColumns) {
    const int64_t channel = begin + thread % kColumns;
    Acc n = 0;
    Pair<Acc> all[1] = {};
    const unsigned count = channel < channels ? chunks.count : 0;
#pragma unroll 4
    for (unsigned i = thread / kColumns; i < count; i += kRows) {
      const Acc m = Acc(chunks.values(i));
      all[0] = merge(all[0], n, gpu::load(partial + i * channels + channel), m);
      n += m;
    }
    merge_threads(kColumns, n, all, merge, [&](unsigned i, Acc total, const Pair<Acc>& pair) {
      if (begin + i < channels) take(begin + i, total, pair);
    });
  }
}

// Blocks that merge_chunks gives something to do.
inline unsigned blocks_to_merge(int64_t channels) { return blocks_for(channels, 4); }

// Between forming the pairs of chunks and using what they merge to, which take(channel, n, pair) writes to
// memory. The blocks of a launch_chunks wait for each other where there is more than one chunk; else each has
// the channels of its tile to itself.
template <class Walk, class Acc, class Merge, class Take>
__device__ __forceinline__ void merge_all(const ChannelChunks& chunks, int64_t channels,
                                          const Pair<Acc>* partial, const Merge& merge, const Take& take) {
  if (chunks.count == 1) {
    __syncthreads();
    const unsigned own = Walk::columns() * Walk::kChannels, i = threadIdx.y * blockDim.x + threadIdx.x;
    const int64_t channel = int64_t(blockIdx.x) * own + i;
    if (i < own && channel < channels) take(channel, Acc(chunks.values(0)), gpu::load(partial + channel));
    __syncthreads();
  } else {
    gpu::sync_grid();
    merge_chunks(chunks, channels, partial, merge, take);
    gpu::sync_grid();
  }
}

// Launches a kernel that forms the pairs of chunks, merges all and uses them: kernel(g, chunks, arguments...,
// partial). Returns false, and launches nothing, where the device cannot let blocks wait for each other.
template <class Acc, class... Parameters, class... Arguments>
bool launch_chunks(const CudaContext& ctx, const char* op, void (*kernel)(Parameters...),
                   const ChannelPlan& plan, const BatchNormGeometry& g, const Arguments&... arguments) {
  const gpu::Launch at{.grid = plan.grid(), .block = plan.block};
  const DeviceScratch<Pair<Acc>> partial(ctx, g.channels * plan.chunks.count);
  if (plan.chunks.count > 1)
    return launch_cooperative(ctx, op, kernel, at, g, plan.chunks, arguments..., partial.data());
  launch(ctx, op, kernel, at, g, plan.chunks, arguments..., partial.data());
  return true;
}

}  // namespace kiln::kernels::norm
