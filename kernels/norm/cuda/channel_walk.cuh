#pragma once

// For sources of kernels only: how the blocks of a batch normalisation share a [outer, channels, inner]
// tensor. A thread stays with its channels, so what belongs to a channel is in registers.

#include <kiln/kernels/norm/batch_norm.h>
#include <kiln/kernels/base/cuda/block_reduce.cuh>
#include <kiln/kernels/base/cuda/launch.cuh>
#include <kiln/kernels/base/cuda/split.cuh>

#include <algorithm>
#include <bit>

namespace kiln::kernels::norm {

inline constexpr int kThreads = 256;
// Blocks that a processor is to hold, for kernels where the assembler, unasked, goes for more and spills;
// fewer where a thread has packs of channels.
inline constexpr int kBlocksOfProcessor = 4;

// The tensor in tiles of channels by chunks of units, which depend on its shape alone, not on the GPU: rows,
// or packs of a channel's planes. Blocks are one-dimensional, and take one chunk of a tile after another.
struct ChannelChunks {
  int64_t units, chunk;  // a channel's, a chunk's
  unsigned tiles, count;
  int unit_values;  // of a channel

  __device__ unsigned all() const { return tiles * count; }
  // f(tile, chunk) for those of the block.
  template <class F>
  __device__ __forceinline__ void each(const F& f) const {
    for (unsigned i = blockIdx.x; i < all(); i += gridDim.x) f(i % tiles, i / tiles);
  }
  // The last ones first: they may still be in the cache.
  template <class F>
  __device__ __forceinline__ void each_back(const F& f) const {
    for (unsigned turn = (all() - 1 - blockIdx.x) / gridDim.x + 1; turn-- > 0;) {
      const unsigned i = blockIdx.x + turn * gridDim.x;
      f(i % tiles, i / tiles);
    }
  }
  // The values of a channel in a chunk.
  __device__ int64_t values(unsigned i) const { return min(units - i * chunk, chunk) * unit_values; }
};

// In rows (inner is 1) a block is a tile of packs of channels by rows, and a thread has kPack channels; in
// planes a tile is a channel.
template <int kPack, bool kPlanes>
struct ChannelWalk {
  static constexpr int kChannels = kPlanes ? 1 : kPack, kWidth = kPack;
  static constexpr bool kIsPlanes = kPlanes;
  int64_t channels, inner, width;  // width: packs in a plane
  int64_t begin, channel;          // the first of the tile, of this thread
  int64_t first, end;
  int step;

  __device__ ChannelWalk(const BatchNormGeometry& g, const ChannelChunks& chunks, unsigned tile,
                         unsigned chunk)
      : channels(g.channels), inner(g.inner), width(g.inner / kPack) {
    first = chunk * chunks.chunk;
    end = min(chunks.units, first + chunks.chunk);
    if constexpr (kPlanes) {
      channel = begin = tile;
      first += threadIdx.x;
      step = kThreads;
    } else {
      begin = int64_t(tile) * columns() * kPack;
      channel = begin + threadIdx.x * kPack;
      first += threadIdx.y;
      step = int(blockDim.y);
      if (channel >= channels) end = 0;
    }
  }
  // Threads of the block with channels of their own.
  __device__ static unsigned columns() { return kPlanes ? 1 : blockDim.x; }
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
};

// How many chunks a plan aims at: where sums are formed, several for each block that the largest GPU holds;
// else by the work of a block.
inline constexpr int64_t kSummedChunks = 2048;
inline int64_t chunks_for(int64_t elements) {
  constexpr int64_t kElementsAChunk = 16384;
  return elements / kElementsAChunk + 1;
}

// The launch of a walk.
struct ChannelPlan {
  ChannelChunks chunks;
  dim3 block;

  // About `blocks` chunks, where there is as much to do.
  ChannelPlan(const BatchNormGeometry& g, int pack, bool planes, int64_t blocks) {
    // Of a thread: so many in all that one block is done before several have waited for each other; so many
    // at least that the chunks' results are few beside what they read.
    constexpr int64_t kPacksAlone = 16, kPacksAChunk = 8;
    const int64_t packs = planes ? g.inner / pack : g.channels / pack;
    const int64_t columns = planes ? 1 : std::min<int64_t>(kWarp, std::bit_ceil(uint64_t(packs)));
    const int64_t rows = kThreads / columns, tiles = planes ? g.channels : (packs + columns - 1) / columns;
    const int64_t units = planes ? g.outer * packs : g.outer;
    const int64_t wanted = std::max<int64_t>(1, blocks / std::max<int64_t>(1, tiles));
    const int64_t chunk =
        units <= kPacksAlone * rows ? units : std::max(kPacksAChunk * rows, (units + wanted - 1) / wanted);
    const int64_t count = chunk == 0 ? 1 : (units + chunk - 1) / chunk;
    chunks = {units, chunk, blocks_for(tiles, 1), unsigned(count), planes ? pack : 1};
    block = planes ? dim3(kThreads) : dim3(unsigned(columns), unsigned(rows));
  }
  // A block for each chunk of each tile.
  unsigned grid() const { return chunks.tiles * chunks.count; }
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

}  // namespace kiln::kernels::norm
