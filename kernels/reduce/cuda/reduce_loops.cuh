#pragma once

// For sources of kernels only: the kernels of a reduction, for any operation. An operation Op on
// elements T of x gives, as __device__ functions,
//   Lane start()                the value of no elements
//   Lane add(Lane, T, i)        takes in the element at position i of the reduced nest; i grows
//   Lane merge(Lane, Lane)      associative up to rounding
//   void store(at, Lane)        the result, as element `at` of y
// Which elements meet in which order depends on the geometry and on x's alignment only.

#include <kiln/kernels/reduce/reduce.h>
#include <kiln/kernels/base/cuda/block_reduce.cuh>
#include <kiln/kernels/base/cuda/element.cuh>
#include <kiln/kernels/base/cuda/launch.cuh>
#include <kiln/kernels/base/cuda/scratch.cuh>
#include <kiln/kernels/base/cuda/split.cuh>

#include <algorithm>
#include <bit>

namespace kiln::kernels {

inline constexpr int kReduceThreads = 256;
// Leaves the compiler 80 registers: its own choice of fewer makes some kernels spill.
inline constexpr int kReduceBlocks = 3;
inline constexpr int kInFlight = 4;  // independent loads, each with a lane of its own

template <class Op, class T>
using lane_t = decltype(std::declval<const Op&>().add(std::declval<Op>().start(), T(), int64_t(0)));

struct Place {
  int64_t x = 0, y = 0;
};

// Where element i of a nest stands.
__device__ __forceinline__ Place place_in(const ReduceGeometry::Axis* axes, int rank, int64_t i) {
  Place place;
  for (int d = rank - 1; d >= 0; --d) {
    const Split at = d > 0 ? split(i, axes[d].size) : Split{0, i};
    place.x += at.remainder * axes[d].x_stride;
    place.y += at.remainder * axes[d].y_stride;
    i = at.quotient;
  }
  return place;
}

template <class Op, class Lane>
__device__ __forceinline__ Lane merge_lanes(const Op& op, const Lane (&lanes)[kInFlight]) {
  static_assert(kInFlight == 4);
  return op.merge(op.merge(lanes[0], lanes[1]), op.merge(lanes[2], lanes[3]));
}

// This thread's part, one of kThreads, of the elements [begin, end) that stand one after the other at x.
template <int kThreads, class Op, class T>
__device__ __forceinline__ typename Op::Lane take_run(const Op& op, const T* x, int64_t begin, int64_t end,
                                                      int thread) {
  constexpr int kPack = 16 / sizeof(T);
  using Pack = gpu::Pack<T, kPack>;
  const int beyond = int(reinterpret_cast<uintptr_t>(x + begin) / sizeof(T) % kPack);
  const int64_t first = min(end, begin + (beyond == 0 ? 0 : kPack - beyond));
  const int64_t packs = (end - first) / kPack, rest = first + packs * kPack;
  const Pack* source = reinterpret_cast<const Pack*>(x + first);
  typename Op::Lane lanes[kInFlight] = {op.start(), op.start(), op.start(), op.start()};
  if (begin + thread < first) lanes[0] = op.add(lanes[0], x[begin + thread], begin + thread);
  int64_t i = thread;
  for (; i + (kInFlight - 1) * kThreads < packs; i += kInFlight * kThreads) {
    Pack packed[kInFlight];
#pragma unroll
    for (int k = 0; k < kInFlight; ++k) packed[k] = gpu::load(source + i + k * kThreads);
#pragma unroll
    for (int k = 0; k < kInFlight; ++k)
#pragma unroll
      for (int e = 0; e < kPack; ++e)
        lanes[k] = op.add(lanes[k], packed[k][e], first + (i + k * kThreads) * kPack + e);
  }
  for (; i < packs; i += kThreads) {
    const Pack packed = gpu::load(source + i);
#pragma unroll
    for (int e = 0; e < kPack; ++e)
      lanes[e % kInFlight] = op.add(lanes[e % kInFlight], packed[e], first + i * kPack + e);
  }
  if (rest + thread < end) lanes[1] = op.add(lanes[1], x[rest + thread], rest + thread);
  return merge_lanes(op, lanes);
}

// Elements [begin, end) of the reduced nest at x, from `first` on in steps of `step`.
template <class Op, class T>
__device__ __forceinline__ lane_t<Op, T> take_steps(const Op& op, const ReduceGeometry& g, const T* x,
                                                    int64_t first, int64_t end, int step) {
  typename Op::Lane lanes[kInFlight] = {op.start(), op.start(), op.start(), op.start()};
  int64_t i = first;
  for (; i + (kInFlight - 1) * step < end; i += kInFlight * step) {
    T values[kInFlight];
#pragma unroll
    for (int k = 0; k < kInFlight; ++k) values[k] = x[place_in(g.reduced, g.reduced_rank, i + k * step).x];
#pragma unroll
    for (int k = 0; k < kInFlight; ++k) lanes[k] = op.add(lanes[k], values[k], i + k * step);
  }
  for (; i < end; i += step) lanes[0] = op.add(lanes[0], x[place_in(g.reduced, g.reduced_rank, i).x], i);
  return merge_lanes(op, lanes);
}

// The same for kPack outputs, whose elements stand side by side: into lanes.
template <int kPack, class Op, class T>
__device__ __forceinline__ void take_packs(const Op& op, const ReduceGeometry& g, const T* x, int64_t first,
                                           int64_t end, int step, typename Op::Lane (&lanes)[kPack]) {
  using Pack = gpu::Pack<T, kPack>;
  constexpr int kLanes = 2;
  typename Op::Lane all[kLanes][kPack];
#pragma unroll
  for (int e = 0; e < kPack; ++e) all[0][e] = all[1][e] = op.start();
  const auto load = [&](int64_t i) {
    return gpu::load(reinterpret_cast<const Pack*>(x + place_in(g.reduced, g.reduced_rank, i).x));
  };
  int64_t i = first;
  for (; i + (kInFlight - 1) * step < end; i += kInFlight * step) {
    Pack packs[kInFlight];
#pragma unroll
    for (int k = 0; k < kInFlight; ++k) packs[k] = load(i + k * step);
#pragma unroll
    for (int k = 0; k < kInFlight; ++k)
#pragma unroll
      for (int e = 0; e < kPack; ++e)
        all[k % kLanes][e] = op.add(all[k % kLanes][e], packs[k][e], i + k * step);
  }
  for (; i < end; i += step) {
    const Pack pack = load(i);
#pragma unroll
    for (int e = 0; e < kPack; ++e) all[0][e] = op.add(all[0][e], pack[e], i);
  }
#pragma unroll
  for (int e = 0; e < kPack; ++e) lanes[e] = op.merge(all[0][e], all[1][e]);
}

// How the elements of an output are cut: `partial` is defined with more than one chunk, as [outputs, chunks].
template <class Lane>
struct Chunks {
  int64_t size;
  int64_t count;
  Lane* partial;
};

// kThreads, a warp or the block, take a chunk of an output whose elements lie closest to each other.
template <int kThreads, class Op, class T>
__global__ void __launch_bounds__(kReduceThreads, kReduceBlocks)
    reduce_rows_kernel(Op op, ReduceGeometry g, const T* x, Chunks<typename Op::Lane> chunks) {
  const int64_t unit = int64_t(blockIdx.x) * (kReduceThreads / kThreads) + threadIdx.x / kThreads;
  if (unit >= g.outputs * chunks.count) return;  // a warp as one
  const Split at = split(unit, chunks.count);
  const Place place = place_in(g.kept, g.kept_rank, at.quotient);
  const int64_t begin = at.remainder * chunks.size, end = min(g.count, begin + chunks.size);
  const int thread = int(threadIdx.x % kThreads);
  const bool is_run = g.reduced_rank == 0 || (g.reduced_rank == 1 && g.reduced[0].x_stride == 1);
  auto lane = is_run ? take_run<kThreads>(op, x + place.x, begin, end, thread)
                     : take_steps(op, g, x + place.x, begin + thread, end, kThreads);
  const auto merge = [&](auto a, auto b) { return op.merge(a, b); };
  lane = block_reduce<kThreads>(lane, merge);
  if (thread != 0) return;
  if (chunks.count > 1)
    chunks.partial[unit] = lane;
  else
    op.store(place.y, lane);
}

// A block takes a chunk (blockIdx.y) of a tile of outputs whose elements lie side by side, kPack a thread.
template <int kPack, class Op, class T>
__global__ void __launch_bounds__(kReduceThreads, kReduceBlocks)
    reduce_columns_kernel(Op op, ReduceGeometry g, const T* x, Chunks<typename Op::Lane> chunks) {
  const ReduceGeometry::Axis& columns = g.kept[g.kept_rank - 1];
  const int width = int(blockDim.x) * kPack;
  const Split tile = split(blockIdx.x, (columns.size + width - 1) / width);
  const int64_t column = tile.remainder * width + threadIdx.x * kPack,
                output = tile.quotient * columns.size + column;
  const int64_t begin = blockIdx.y * chunks.size, end = min(g.count, begin + chunks.size);
  typename Op::Lane lanes[kPack];
#pragma unroll
  for (auto& lane : lanes) lane = op.start();
  Place place;
  if (column < columns.size) {
    place = place_in(g.kept, g.kept_rank, output);
    if constexpr (kPack == 1)
      lanes[0] = take_steps(op, g, x + place.x, begin + threadIdx.y, end, int(blockDim.y));
    else
      take_packs(op, g, x + place.x, begin + threadIdx.y, end, int(blockDim.y), lanes);
  }
  const auto merge = [&](auto a, auto b) { return op.merge(a, b); };
#pragma unroll
  for (auto& lane : lanes) lane = column_reduce<kReduceThreads>(lane, merge);
  if (threadIdx.y != 0 || column >= columns.size) return;
#pragma unroll
  for (int e = 0; e < kPack; ++e) {
    if (chunks.count > 1)
      chunks.partial[(output + e) * chunks.count + blockIdx.y] = lanes[e];
    else
      op.store(place.y + e * columns.y_stride, lanes[e]);
  }
}

// How many outputs a thread takes where their elements stand side by side: what 16 bytes hold, unless their
// lanes would not leave registers for the loads.
template <class Op, class T>
inline constexpr int kColumnPack = std::min<int>(16 / int(sizeof(T)),
                                                 std::max<int>(1, 32 / int(sizeof(typename Op::Lane))));

// Whether each thread can load packs of kPack outputs' elements.
template <class T>
bool packs_columns(const ReduceGeometry& g, const T* x, int pack) {
  const auto fits = [&](int64_t elements) { return elements % pack == 0; };
  const ReduceGeometry::Axis& columns = g.kept[g.kept_rank - 1];
  bool all = reinterpret_cast<uintptr_t>(x) % (unsigned(pack) * sizeof(T)) == 0 && columns.x_stride == 1 &&
             fits(columns.size);
  for (int d = 0; d < g.kept_rank - 1; ++d) all = all && fits(g.kept[d].x_stride);
  for (int d = 0; d < g.reduced_rank; ++d) all = all && fits(g.reduced[d].x_stride);
  return all;
}

// A warp puts an output's chunks together.
template <class Op, class Lane>
__global__ void __launch_bounds__(kReduceThreads)
    merge_chunks_kernel(Op op, ReduceGeometry g, const Lane* partial, int64_t chunks) {
  const int64_t output = int64_t(blockIdx.x) * (kReduceThreads / kWarp) + threadIdx.x / kWarp;
  if (output >= g.outputs) return;
  Lane lane = op.start();
  for (int64_t i = threadIdx.x % kWarp; i < chunks; i += kWarp)
    lane = op.merge(lane, partial[output * chunks + i]);
  const auto merge = [&](Lane a, Lane b) { return op.merge(a, b); };
  lane = warp_reduce(lane, merge);
  if (threadIdx.x % kWarp == 0) op.store(place_in(g.kept, g.kept_rank, output).y, lane);
}

// Reads x once; with few outputs also writes and reads at most 2048 partial results.
template <class Op, class T>
void reduce(const CudaContext& ctx, const char* name, const Op& op, const ReduceGeometry& g, const T* x) {
  using Lane = decltype(op.start());
  // Up to here a warp is enough for an output; it spends less on merging than a block does, where there are
  // enough of them to fill the largest GPUs.
  const int64_t warp_count = g.outputs >= 16384 ? 8192 : 1024;
  constexpr int64_t kManyBlocks = 512;                  // that keep the largest GPUs busy
  constexpr int64_t kLeastRun = 4096, kLeastRows = 64;  // worth a chunk
  if (g.outputs == 0) return;
  const bool columns =
      g.count > 0 && g.kept_rank > 0 &&
      (g.reduced_rank == 0 || g.kept[g.kept_rank - 1].x_stride < g.reduced[g.reduced_rank - 1].x_stride);
  constexpr int kPack = kColumnPack<Op, T>;
  const bool packs = kPack > 1 && columns && packs_columns(g, x, kPack);
  const int64_t width = columns ? g.kept[g.kept_rank - 1].size : 1, pack = packs ? kPack : 1;
  constexpr int64_t kLeastColumns = 8;  // else the rows of a block are many to merge
  const int64_t side = std::clamp<int64_t>(std::bit_ceil(uint64_t((width + pack - 1) / pack)), kLeastColumns,
                                           kWarp),
                tile = side * pack;
  const int64_t units = g.outputs / width * ((width + tile - 1) / tile);
  const int64_t wanted = units < kManyBlocks ? 2 * kManyBlocks / units : 1;
  const int64_t size = std::max(columns ? kLeastRows : kLeastRun, (g.count / wanted + 16) / 16 * 16);
  const int64_t count = std::max<int64_t>(1, (g.count + size - 1) / size);
  const DeviceScratch<Lane> partial(ctx, count > 1 ? g.outputs * count : 0);
  const Chunks<Lane> chunks{count > 1 ? size : g.count, count, partial.data()};
  const gpu::Launch at_columns{.grid = dim3(blocks_for(units, 1), unsigned(count)),
                               .block = dim3(unsigned(side), unsigned(kReduceThreads / side))};
  if (packs)
    launch(ctx, name, reduce_columns_kernel<kPack, Op, T>, at_columns, op, g, x, chunks);
  else if (columns)
    launch(ctx, name, reduce_columns_kernel<1, Op, T>, at_columns, op, g, x, chunks);
  else if (g.count <= warp_count)
    launch(ctx, name, reduce_rows_kernel<kWarp, Op, T>,
           {.grid = blocks_for(g.outputs, kReduceThreads / kWarp), .block = kReduceThreads}, op, g, x,
           chunks);
  else
    launch(ctx, name, reduce_rows_kernel<kReduceThreads, Op, T>,
           {.grid = blocks_for(g.outputs * count, 1), .block = kReduceThreads}, op, g, x, chunks);
  if (count > 1)
    launch(ctx, name, merge_chunks_kernel<Op, Lane>,
           {.grid = blocks_for(g.outputs, kReduceThreads / kWarp), .block = kReduceThreads}, op, g,
           partial.data(), count);
}

}  // namespace kiln::kernels
