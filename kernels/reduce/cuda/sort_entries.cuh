#pragma once

// For sources of kernels only: sorting lines of distinct entries.

#include <kiln/kernels/base/cuda/element.cuh>
#include <kiln/kernels/base/cuda/launch.cuh>
#include <kiln/kernels/base/cuda/split.cuh>

#include <algorithm>
#include <bit>

namespace kiln::kernels {

// A key and the position it came from, so that no two entries are equal and every order is stable. Keys and
// positions of 32 bits share one number.
struct WideEntry {
  uint64_t key, at;
};

template <class Entry>
struct EntryTraits;
template <>
struct EntryTraits<uint64_t> {
  __host__ __device__ static uint64_t make(uint64_t key, int64_t at) { return key << 32 | uint64_t(at); }
  __device__ static uint64_t last() { return ~uint64_t(0); }
  __device__ static bool before(uint64_t a, uint64_t b) { return a < b; }
  __device__ static int64_t key(uint64_t entry) { return int64_t(entry >> 32); }
  __device__ static int64_t at(uint64_t entry) { return int64_t(entry & 0xffffffffu); }
};
template <>
struct EntryTraits<WideEntry> {
  __host__ __device__ static WideEntry make(uint64_t key, int64_t at) { return {key, uint64_t(at)}; }
  __device__ static WideEntry last() { return {~uint64_t(0), ~uint64_t(0)}; }
  __device__ static bool before(WideEntry a, WideEntry b) {
    return a.key < b.key || (a.key == b.key && a.at < b.at);
  }
  __device__ static int64_t key(WideEntry entry) { return int64_t(entry.key); }
  __device__ static int64_t at(WideEntry entry) { return int64_t(entry.at); }
};
inline constexpr int64_t kNarrowLimit = 0x7fffffff;  // of the sizes of lines that positions of 32 bits count

inline constexpr int kSortTile = 1024, kSortThreads = 256;

// A block sorts a tile of a line, in shared memory, by the bitonic network (Batcher, 1968). Reads and writes
// the entries once.
template <class Entry>
__global__ void __launch_bounds__(kSortTile / 2) sort_tiles_kernel(Entry* entries, int64_t size, int tile) {
  using Traits = EntryTraits<Entry>;
  auto& own = gpu::shared<Entry[kSortTile]>();
  const Split at = split(blockIdx.x, (size + tile - 1) / tile);
  const int count = int(min(int64_t(tile), size - at.remainder * tile));
  Entry* from = entries + at.quotient * size + at.remainder * tile;
  for (int i = int(threadIdx.x); i < tile; i += int(blockDim.x))
    own[i] = i < count ? from[i] : Traits::last();
  for (int run = 2; run <= tile; run *= 2)
    for (int step = run / 2; step > 0; step /= 2) {
      __syncthreads();
      for (int pair = int(threadIdx.x); pair < tile / 2; pair += int(blockDim.x)) {
        const int low = pair / step * 2 * step + pair % step, high = low + step;
        const Entry a = own[low], b = own[high];
        const bool ascending = (low & run) == 0;
        if (Traits::before(b, a) == ascending) {
          own[low] = b;
          own[high] = a;
        }
      }
    }
  __syncthreads();
  for (int i = int(threadIdx.x); i < count; i += int(blockDim.x)) from[i] = own[i];
}

// Merges pairs of sorted runs: an entry goes as far into the pair as there are entries before it in both.
// Reads and writes the entries once; the searches stay in the cache.
template <class Entry>
__global__ void __launch_bounds__(kSortThreads)
    merge_runs_kernel(const Entry* from, Entry* to, int64_t lines, int64_t size, int64_t run) {
  const int64_t i = int64_t(blockIdx.x) * kSortThreads + threadIdx.x;
  if (i >= lines * size) return;
  const Split in_line = split(i, size), in_run = split(in_line.remainder, run);
  const Entry* line = from + in_line.quotient * size;
  const bool is_first = in_run.quotient % 2 == 0;
  const int64_t pair = (is_first ? in_run.quotient : in_run.quotient - 1) * run;
  const int64_t begin = min(size, is_first ? pair + run : pair), end = min(size, begin + run);
  const Entry own = line[in_line.remainder];
  int64_t low = begin, high = end;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (EntryTraits<Entry>::before(line[middle], own))
      low = middle + 1;
    else
      high = middle;
  }
  to[in_line.quotient * size + pair + in_run.remainder + (low - begin)] = own;
}

// Sorts each of `lines` lines of `size` entries; `spare` is memory of the same size. Returns which of the two
// holds the result.
template <class Entry>
Entry* sort_entries(const CudaContext& ctx, const char* op, Entry* entries, Entry* spare, int64_t lines,
                    int64_t size) {
  const int tile = int(std::clamp<int64_t>(std::bit_ceil(uint64_t(size)), 2, kSortTile));
  const int64_t tiles = (size + tile - 1) / tile;
  launch(ctx, op, sort_tiles_kernel<Entry>,
         {.grid = blocks_for(lines * tiles, 1), .block = unsigned(std::max(32, tile / 2))}, entries, size,
         tile);
  for (int64_t run = tile; run < size; run *= 2) {
    launch(ctx, op, merge_runs_kernel<Entry>,
           {.grid = blocks_for(lines * size, kSortThreads), .block = kSortThreads}, entries, spare, lines,
           size, run);
    std::swap(entries, spare);
  }
  return entries;
}

}  // namespace kiln::kernels
