#pragma once

// For sources of kernels/cuda only: how the blocks of a batch normalisation share a [outer, channels, inner]
// tensor. A thread stays with its channels, so what belongs to a channel is in registers.

#include <kiln/kernels/batch_norm.h>
#include <kiln/kernels/cuda/block_reduce.cuh>
#include <kiln/kernels/cuda/element.cuh>
#include <kiln/kernels/cuda/launch.cuh>
#include <kiln/kernels/cuda/scratch.cuh>
#include <kiln/kernels/cuda/split.cuh>

#include <algorithm>
#include <bit>

namespace kiln::kernels::norm {

inline constexpr int kThreads = 256;

// In rows (inner is 1) a block is a tile of packs of channels by rows, and a thread has kPack channels; in
// planes a block (blockIdx.x) is a channel. blockIdx.y is the chunk of rows, or of packs of a channel's
// planes.
template <int kPack, bool kPlanes>
struct ChannelWalk {
  static constexpr int kChannels = kPlanes ? 1 : kPack, kWidth = kPack;
  static constexpr bool kIsPlanes = kPlanes;
  int64_t channels, inner, width;  // width: packs in a plane
  int64_t channel;                 // the first of this thread
  int64_t first, end;
  int step;

  __device__ ChannelWalk(const BatchNormGeometry& g, int64_t chunk)
      : channels(g.channels), inner(g.inner), width(g.inner / kPack) {
    const int64_t begin = int64_t(blockIdx.y) * chunk;
    if constexpr (kPlanes) {
      channel = blockIdx.x;
      first = begin + threadIdx.x;
      end = min(g.outer * width, begin + chunk);
      step = kThreads;
    } else {
      channel = (int64_t(blockIdx.x) * blockDim.x + threadIdx.x) * kPack;
      first = begin + threadIdx.y;
      end = channel < g.channels ? min(g.outer, begin + chunk) : 0;
      step = int(blockDim.y);
    }
  }
  // Where the pack of step i starts.
  __device__ int64_t offset(int64_t i) const {
    if constexpr (kPlanes) {
      const Split at = split(i, width);
      return (at.quotient * channels + channel) * inner + at.remainder * kPack;
    } else {
      return i * channels + channel;
    }
  }
  // Calls f(std::integral_constant<int, n>, offsets) for n packs at a time: kTogether while there are as
  // many.
  template <int kTogether, class F>
  __device__ __forceinline__ void each(const F& f) const {
    int64_t i = first;
    for (; i + (kTogether - 1) * step < end; i += kTogether * step) {
      int64_t offsets[kTogether];
#pragma unroll
      for (int k = 0; k < kTogether; ++k) offsets[k] = offset(i + k * step);
      f(std::integral_constant<int, kTogether>(), offsets);
    }
    for (; i < end; i += step) {
      const int64_t offsets[1] = {offset(i)};
      f(std::integral_constant<int, 1>(), offsets);
    }
  }
  // Which of a thread's channels element e of a pack belongs to.
  __device__ static constexpr int of(int e) { return kPlanes ? 0 : e; }
  // The merge of all threads of the block that have the same channel; true in the thread that gets it.
  template <class V, class Merge>
  __device__ __forceinline__ bool merge(V& value, const Merge& op) const {
    if constexpr (kPlanes) {
      value = block_reduce<kThreads>(value, op);
      return threadIdx.x == 0;
    } else {
      value = column_reduce<kThreads>(value, op);
      return threadIdx.y == 0 && channel < channels;
    }
  }
};

// Whether sums and their use are one kernel where a tensor is small. In float64 that would spill registers.
template <class T>
inline constexpr bool kFitsOneKernel = !std::is_same_v<T, double>;

// The launch of a walk.
struct ChannelPlan {
  dim3 grid, block;
  int64_t chunk, chunks, packs_a_thread;

  // About `blocks` blocks, where there is as much to do; the chunks do not depend on the GPU.
  ChannelPlan(const BatchNormGeometry& g, int pack, bool planes, int64_t blocks) {
    const int64_t packs = planes ? g.inner / pack : g.channels / pack;
    const int64_t columns = planes ? kThreads : std::min<int64_t>(kWarp, std::bit_ceil(uint64_t(packs)));
    const int64_t tiles = planes ? g.channels : (packs + columns - 1) / columns;
    const int64_t units = planes ? g.outer * packs : g.outer;
    constexpr int64_t kPacksAThread =
        4;  // at least, so that the chunks' results are few beside what they read
    const int64_t least = kPacksAThread * (planes ? kThreads : kThreads / columns);
    constexpr int64_t kMostChunks = 65535;  // gridDim.y
    const int64_t wanted = std::clamp<int64_t>(blocks / std::max<int64_t>(1, tiles), 1, kMostChunks);
    chunk = std::max(least, (units + wanted - 1) / wanted);
    chunks = std::max<int64_t>(1, (units + chunk - 1) / chunk);
    packs_a_thread = (chunk + least - 1) / least;
    grid = dim3(unsigned(tiles), unsigned(chunks));
    block = planes ? dim3(kThreads) : dim3(unsigned(columns), unsigned(kThreads / columns));
  }
  // Whether blocks that have their channels to themselves are done sooner than several launches would be.
  bool is_small() const {
    constexpr int64_t kMostPacks = 64;
    return chunks == 1 && packs_a_thread <= kMostPacks && grid.x > 0;
  }
};

// Calls f.operator()<kPack, kPlanes>() with 16-byte packs where the sizes and all addresses allow them.
template <class T, class F>
void with_packs(const BatchNormGeometry& g, std::initializer_list<const void*> addresses, const F& f) {
  constexpr int kPack = 16 / sizeof(T);
  const bool planes = g.inner != 1;
  bool fits = (planes ? g.inner : g.channels) % kPack == 0;
  for (const void* address : addresses) fits = fits && reinterpret_cast<uintptr_t>(address) % 16 == 0;
  if (planes)
    fits ? f.template operator()<kPack, true>() : f.template operator()<1, true>();
  else
    fits ? f.template operator()<kPack, false>() : f.template operator()<1, false>();
}

// Loads `count` packs, all before the first is used.
template <int kPack, int kCount, class T>
struct Packs {
  gpu::Pack<T, kPack> at[kCount];
  __device__ __forceinline__ Packs(const T* x, const int64_t (&offsets)[kCount]) {
#pragma unroll
    for (int k = 0; k < kCount; ++k)
      at[k] = gpu::load(reinterpret_cast<const gpu::Pack<T, kPack>*>(x + offsets[k]));
  }
};

// The vectors of a normalisation on the device; weight and bias may be null.
template <class Acc>
struct Vectors {
  const Acc *mean, *rstd, *weight, *bias;
  explicit Vectors(const BatchNormVectors& v)
      : mean(v.mean.as<Acc>()), rstd(v.rstd.as<Acc>()), weight(v.weight.as<Acc>()), bias(v.bias.as<Acc>()) {}
};

// (x - mean) * rstd * weight + bias as x * scale + shift, the same bits forward and backward.
template <class Acc, int kChannels>
struct ScaleShift {
  Acc scale[kChannels], shift[kChannels];

  __device__ ScaleShift(const Vectors<Acc>& v, int64_t channel, int64_t channels) {
#pragma unroll
    for (int k = 0; k < kChannels; ++k) {
      const int64_t c =
          min(channel + k, channels - 1);  // threads beyond the last channel read it, for nothing
      scale[k] = v.weight == nullptr ? v.rstd[c] : v.rstd[c] * v.weight[c];
      shift[k] = std::fma(-v.mean[c], scale[k], v.bias == nullptr ? Acc(0) : v.bias[c]);
    }
  }
  __device__ Acc operator()(Acc x, int k) const { return std::fma(x, scale[k], shift[k]); }
};

}  // namespace kiln::kernels::norm
