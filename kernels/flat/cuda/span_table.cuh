#pragma once

// Lists of stretches of memory as one kernel sees them: a table in the launch's parameters, and a block for
// each piece of a stretch.

#include <algorithm>

#include <kiln/kernels/flat/flat.h>
#include <kiln/kernels/base/cuda/element.cuh>
#include <kiln/kernels/base/cuda/launch.cuh>

namespace kiln::kernels {

inline constexpr int kSpanThreads = 256;
inline constexpr int64_t kSpanPiece = 8192;  // elements of a block: enough for the launch not to count
inline constexpr int kSpans = 128;           // in one launch; a table of 3 KiB

template <class T>
struct SpanTable {
  T* data[kSpans];
  int64_t count[kSpans];
  int64_t first_block[kSpans];
  int spans = 0;
  int64_t blocks = 0;

  // The piece of this block: pointer and number of elements.
  __device__ T* piece(int64_t* elements) const {
    int low = 0, high = spans - 1;
    while (low < high) {
      const int middle = (low + high + 1) / 2;
      if (first_block[middle] <= int64_t(blockIdx.x))
        low = middle;
      else
        high = middle - 1;
    }
    const int64_t begin = (int64_t(blockIdx.x) - first_block[low]) * kSpanPiece, rest = count[low] - begin;
    *elements = rest < kSpanPiece ? rest : kSpanPiece;
    return data[low] + begin;
  }
};

// Calls f(i) -> void for this thread's elements of a piece.
template <class T, class F>
__device__ __forceinline__ void for_piece(T* x, int64_t count, F&& f) {
  using Pack = gpu::Pack<T, 16 / int(sizeof(T))>;
  if (reinterpret_cast<uintptr_t>(x) % sizeof(Pack) != 0) {
    for (int64_t i = threadIdx.x; i < count; i += kSpanThreads) f(x + i, gpu::Pack<T, 1>{{x[i]}});
    return;
  }
  const int64_t packs = count / Pack::size;
  for (int64_t i = threadIdx.x; i < packs; i += kSpanThreads) {
    T* at = x + i * Pack::size;
    f(at, gpu::load(reinterpret_cast<const Pack*>(at)));
  }
  const int64_t tail = packs * Pack::size + threadIdx.x;
  if (tail < count) f(x + tail, gpu::Pack<T, 1>{{x[tail]}});
}

// f.operator()<T>(table, first_piece) for tables that together hold all spans, as few as their types and
// number allow. Returns the number of pieces.
template <class F>
int64_t for_tables(const char* op, FlatSpans xs, F&& f) {
  int64_t pieces = 0;
  for (size_t begin = 0; begin < xs.size();) {
    size_t end = begin;
    visit_device_floating(xs[begin].dtype, op, [&]<class T>() {
      SpanTable<T> table;
      for (; end < xs.size() && xs[end].dtype == xs[begin].dtype && table.spans < kSpans; ++end) {
        if (xs[end].count == 0) continue;
        table.data[table.spans] = static_cast<T*>(xs[end].data);
        table.count[table.spans] = xs[end].count;
        table.first_block[table.spans++] = table.blocks;
        table.blocks += (xs[end].count + kSpanPiece - 1) / kSpanPiece;
      }
      f(table, pieces);
      pieces += table.blocks;
    });
    begin = end;
  }
  return pieces;
}

inline int64_t pieces_of(FlatSpans xs) {
  int64_t pieces = 0;
  for (const FlatSpan& x : xs) pieces += (x.count + kSpanPiece - 1) / kSpanPiece;
  return pieces;
}

}  // namespace kiln::kernels
