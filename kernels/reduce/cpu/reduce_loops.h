#pragma once

// For sources of kernels only: the loops of a reduction, for any operation.

#include <algorithm>

#include <kiln/kernels/base/cpu/parallel.h>
#include <kiln/kernels/base/cpu/scratch.h>
#include <kiln/kernels/reduce/reduce.h>
#include <kiln/tensor/dtype/element.h>

// An operation Op on elements T gives
//   Lane start()               the value of no elements, in the type of the inner loops
//   Lane add(Lane, T)          takes in one element
//   Total widen(Lane)          to the type in which the results of blocks are put together
//   U merge(U, U)              of two Lanes, or two Totals
//   Out finish(Total)
// and says whether it is kWide: worth loops of its own for columns, and lanes that the compiler would not
// make. The order in which elements are put together depends on the geometry only, never on the number of
// threads.

namespace kiln::kernels::cpu {

inline constexpr int64_t kSerialElements = kGrain;
inline constexpr int64_t kRunElements = 16384;    // elements that one set of lanes takes in
inline constexpr int64_t kChunkElements = 65536;  // of a reduction that is split between threads
inline constexpr int64_t kTileColumns = 512;      // columns added side by side; their lanes stay in L1
inline constexpr int64_t kBlockRows = 64;         // rows that one set of columns takes in
inline constexpr int64_t kManyUnits = 64;         // outputs that keep all threads busy without splitting

// f(i) for each unit of work, on several threads if the whole is worth it.
template <class F>
void for_units(const CpuContext& ctx, int64_t units, bool parallel, const F& f) {
  parallel_for(ctx, units, parallel ? 1 : units, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(i);
  });
}

// Walks the elements of a nest in order, in runs along its innermost axis.
class NestWalk {
 public:
  using Axis = ReduceGeometry::Axis;
  NestWalk(const Axis* axes, int rank, int64_t flat) : axes_(axes), rank_(rank) {
    for (int d = rank - 1; d >= 0; --d) {
      index_[d] = flat % axes[d].size;
      flat /= axes[d].size;
      x_ += index_[d] * axes[d].x_stride;
      y_ += index_[d] * axes[d].y_stride;
    }
  }
  int64_t x() const { return x_; }
  int64_t y() const { return y_; }
  int64_t stride() const { return rank_ == 0 ? 0 : axes_[rank_ - 1].x_stride; }
  // Elements left of the run.
  int64_t left() const { return rank_ == 0 ? 1 : axes_[rank_ - 1].size - index_[rank_ - 1]; }
  // Goes n elements on, at most to the start of the next run.
  void advance(int64_t n) {
    if (rank_ == 0) return;
    move(rank_ - 1, n);
    for (int d = rank_ - 1; d > 0 && index_[d] == axes_[d].size; --d) {
      move(d, -axes_[d].size);
      move(d - 1, 1);
    }
  }

 private:
  void move(int d, int64_t n) {
    index_[d] += n;
    x_ += n * axes_[d].x_stride;
    y_ += n * axes_[d].y_stride;
  }

  const Axis* axes_;
  int rank_;
  int64_t index_[kMaxRank] = {};
  int64_t x_ = 0, y_ = 0;
};

template <int kLanes, class Op, class T>
typename Op::Lane reduce_lanes(const Op& op, const T* x, int64_t n) {
  using Lane = typename Op::Lane;
  Lane lanes[kLanes];
  for (int k = 0; k < kLanes; ++k) lanes[k] = op.start();
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int k = 0; k < kLanes; ++k) lanes[k] = op.add(lanes[k], x[i + k]);
  for (int k = 0; i + k < n; ++k) lanes[k] = op.add(lanes[k], x[i + k]);
  for (int w = kLanes / 2; w > 0; w /= 2)
    for (int k = 0; k < w; ++k) lanes[k] = op.merge(lanes[k], lanes[k + w]);
  return lanes[0];
}

// n <= kRunElements.
template <class Op, class T>
typename Op::Lane reduce_run(const Op& op, const T* x, int64_t n, int64_t stride) {
  using Lane = typename Op::Lane;
  if constexpr (Op::kWide) {
    constexpr int kLanes =
        256 / sizeof(Lane);  // four of the widest registers hide the latency of an addition
    if (stride == 1 && n >= 2 * kLanes) return reduce_lanes<kLanes>(op, x, n);
    if (stride == 1 && n >= 16) return reduce_lanes<8>(op, x, n);
  }
  Lane a = op.start();
  for (int64_t i = 0; i < n; ++i) a = op.add(a, x[i * stride]);
  return a;
}

template <class Op, class T>
typename Op::Total reduce_range(const Op& op, const ReduceGeometry& g, const T* x, int64_t begin,
                                int64_t end) {
  typename Op::Total total = op.widen(op.start());
  NestWalk walk(g.reduced, g.reduced_rank, begin);
  while (begin < end) {
    const int64_t n = std::min({walk.left(), end - begin, kRunElements});
    total = op.merge(total, op.widen(reduce_run(op, x + walk.x(), n, walk.stride())));
    walk.advance(n);
    begin += n;
  }
  return total;
}

// Elements of x that lie side by side belong to the same output.
template <class Op, class T, class Out>
void reduce_rows(const CpuContext& ctx, const Op& op, const ReduceGeometry& g, const T* x, Out* y) {
  using Total = typename Op::Total;
  const bool parallel = g.outputs * g.count > kSerialElements;
  const int64_t chunks = g.outputs >= kManyUnits ? 1 : (g.count + kChunkElements - 1) / kChunkElements;
  if (chunks == 1) {
    // Units of about kSerialElements, so that short rows do not pay for the walk's start each.
    const int64_t rows = std::max<int64_t>(1, kSerialElements / g.count);
    for_units(ctx, (g.outputs + rows - 1) / rows, parallel, [&](int64_t unit) {
      const int64_t end = std::min(g.outputs, (unit + 1) * rows);
      NestWalk kept(g.kept, g.kept_rank, unit * rows);
      for (int64_t row = unit * rows; row < end; ++row, kept.advance(1))
        y[kept.y()] = op.finish(reduce_range(op, g, x + kept.x(), 0, g.count));
    });
    return;
  }
  const Scratch<Total> partial(g.outputs * chunks);
  for_units(ctx, g.outputs * chunks, parallel, [&](int64_t unit) {
    const int64_t row = unit / chunks, begin = unit % chunks * kChunkElements;
    const NestWalk kept(g.kept, g.kept_rank, row);
    partial[unit] = reduce_range(op, g, x + kept.x(), begin, std::min(g.count, begin + kChunkElements));
  });
  for (int64_t row = 0; row < g.outputs; ++row) {
    Total total = op.widen(op.start());
    for (int64_t chunk = 0; chunk < chunks; ++chunk) total = op.merge(total, partial[row * chunks + chunk]);
    y[NestWalk(g.kept, g.kept_rank, row).y()] = op.finish(total);
  }
}

// Takes rows [begin, end) of the reduced nest into `totals`, for `columns` (at most kTileColumns) outputs
// that lie `stride` apart in x.
template <class Op, class T>
void reduce_tile(const Op& op, const ReduceGeometry& g, const T* x, int64_t columns, int64_t stride,
                 int64_t begin, int64_t end, typename Op::Total* totals) {
  using Lane = typename Op::Lane;
  Lane lanes[kTileColumns];
  NestWalk walk(g.reduced, g.reduced_rank, begin);
  while (begin < end) {
    for (int64_t j = 0; j < columns; ++j) lanes[j] = op.start();
    const int64_t block_end = std::min(end, begin + kBlockRows);
    while (begin < block_end) {
      const T* row = x + walk.x();
      const int64_t step = walk.stride(), rows = std::min(walk.left(), block_end - begin);
      int64_t r = 0;
      if (stride == 1)
        for (; r + 4 <= rows; r += 4, row += 4 * step)
          for (int64_t j = 0; j < columns; ++j)
            lanes[j] = op.add(op.add(op.add(op.add(lanes[j], row[j]), row[j + step]), row[j + 2 * step]),
                              row[j + 3 * step]);
      for (; r < rows; ++r, row += step)
        for (int64_t j = 0; j < columns; ++j) lanes[j] = op.add(lanes[j], row[j * stride]);
      walk.advance(rows);
      begin += rows;
    }
    for (int64_t j = 0; j < columns; ++j) totals[j] = op.merge(totals[j], op.widen(lanes[j]));
  }
}

// Elements of x that lie side by side belong to different outputs: the innermost kept axis is cut into tiles
// of columns, and few tiles with many rows into chunks of rows.
template <class Op, class T, class Out>
void reduce_columns(const CpuContext& ctx, const Op& op, const ReduceGeometry& g, const T* x, Out* y) {
  using Total = typename Op::Total;
  const ReduceGeometry::Axis& inner = g.kept[g.kept_rank - 1];
  const int64_t tiles = (inner.size + kTileColumns - 1) / kTileColumns, outer = g.outputs / inner.size;
  const int64_t chunk_rows = std::max(kBlockRows, kChunkElements / std::min(inner.size, kTileColumns));
  const int64_t chunks = outer * tiles >= kManyUnits ? 1 : (g.count + chunk_rows - 1) / chunk_rows;
  const bool parallel = g.outputs * g.count > kSerialElements;
  // Totals of the chunks, [chunks, outputs] in the order of the kept nest.
  const Scratch<Total> partial(chunks > 1 ? chunks * g.outputs : 0);
  for_units(ctx, outer * tiles * chunks, parallel, [&](int64_t unit) {
    const int64_t chunk = unit % chunks, tile = unit / chunks % tiles, row = unit / chunks / tiles;
    const int64_t column = tile * kTileColumns, columns = std::min(kTileColumns, inner.size - column);
    const NestWalk kept(g.kept, g.kept_rank, row * inner.size + column);
    Total totals[kTileColumns];
    std::fill(totals, totals + columns, op.widen(op.start()));
    const int64_t begin = chunks == 1 ? 0 : chunk * chunk_rows;
    const int64_t end = chunks == 1 ? g.count : std::min(g.count, begin + chunk_rows);
    reduce_tile(op, g, x + kept.x(), columns, inner.x_stride, begin, end, totals);
    if (chunks == 1)
      for (int64_t j = 0; j < columns; ++j) y[kept.y() + j * inner.y_stride] = op.finish(totals[j]);
    else
      std::copy(totals, totals + columns, &partial[chunk * g.outputs + row * inner.size + column]);
  });
  if (chunks == 1) return;
  NestWalk kept(g.kept, g.kept_rank, 0);
  for (int64_t i = 0; i < g.outputs; ++i, kept.advance(1)) {
    Total total = op.widen(op.start());
    for (int64_t chunk = 0; chunk < chunks; ++chunk) total = op.merge(total, partial[chunk * g.outputs + i]);
    y[kept.y()] = op.finish(total);
  }
}

template <class Op, class T, class Out>
void reduce(const CpuContext& ctx, const Op& op, const ReduceGeometry& g, const T* x, Out* y) {
  if (g.outputs == 0) return;
  if (g.count == 0) {
    std::fill(y, y + g.outputs, op.finish(op.widen(op.start())));
    return;
  }
  if constexpr (Op::kWide) {
    const bool columns =
        g.kept_rank > 0 &&
        (g.reduced_rank == 0 || g.kept[g.kept_rank - 1].x_stride < g.reduced[g.reduced_rank - 1].x_stride);
    if (columns) return reduce_columns(ctx, op, g, x, y);
  }
  reduce_rows(ctx, op, g, x, y);
}

}  // namespace kiln::kernels::cpu
