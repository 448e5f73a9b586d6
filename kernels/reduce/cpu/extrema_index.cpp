#include <kiln/kernels/reduce/cpu/extrema_loops.h>
#include <kiln/kernels/reduce/extrema.h>

namespace kiln::kernels {
namespace {

using cpu::Extreme;
using cpu::NestWalk;

struct Line {
  int64_t size, stride;
};

// The position of the extreme element: first its value, which is one vectorised pass, then where it stands.
template <bool kMax, class T>
int64_t find_extreme(const T* x, const Line& line) {
  const Extreme<T, kMax> op;
  auto best = op.start();
  for (int64_t i = 0; i < line.size; i += cpu::kRunElements)
    best = op.merge(best, cpu::reduce_run(op, x + i * line.stride, std::min(cpu::kRunElements, line.size - i),
                                          line.stride));
  for (int64_t i = 0; i < line.size; ++i) {
    const accumulate_t<T> value = x[i * line.stride];
    if (value == best || value != value) return i;
  }
  return 0;
}

template <bool kMax, class T>
void index_rows(const CpuContext& ctx, const ReduceGeometry& g, const Line& line, const T* x, T* values,
                int64_t* indices) {
  const int64_t rows = std::max<int64_t>(1, cpu::kSerialElements / line.size);
  cpu::for_units(ctx, (g.outputs + rows - 1) / rows, g.outputs * line.size > cpu::kSerialElements,
                 [&](int64_t unit) {
                   const int64_t end = std::min(g.outputs, (unit + 1) * rows);
                   NestWalk kept(g.kept, g.kept_rank, unit * rows);
                   for (int64_t row = unit * rows; row < end; ++row, kept.advance(1)) {
                     const int64_t at = find_extreme<kMax>(x + kept.x(), line);
                     indices[kept.y()] = at;
                     if (values != nullptr) values[kept.y()] = x[kept.x() + at * line.stride];
                   }
                 });
}

// Neighbours in memory belong to different outputs: a tile of them is scanned row by row.
template <bool kMax, class T>
void index_columns(const CpuContext& ctx, const ReduceGeometry& g, const Line& line, const T* x, T* values,
                   int64_t* indices) {
  using Lane = accumulate_t<T>;
  const ReduceGeometry::Axis& inner = g.kept[g.kept_rank - 1];
  const int64_t tiles = (inner.size + cpu::kTileColumns - 1) / cpu::kTileColumns;
  const int64_t units = g.outputs / inner.size * tiles;
  cpu::for_units(ctx, units, g.outputs * line.size > cpu::kSerialElements, [&](int64_t unit) {
    const int64_t column = unit % tiles * cpu::kTileColumns;
    const int64_t columns = std::min(cpu::kTileColumns, inner.size - column);
    const NestWalk kept(g.kept, g.kept_rank, unit / tiles * inner.size + column);
    Lane best[cpu::kTileColumns];
    int64_t at[cpu::kTileColumns];
    for (int64_t j = 0; j < columns; ++j) {
      best[j] = x[kept.x() + j * inner.x_stride];
      at[j] = 0;
    }
    for (int64_t i = 1; i < line.size; ++i) {
      const T* row = x + kept.x() + i * line.stride;
      for (int64_t j = 0; j < columns; ++j) {
        const Lane value = row[j * inner.x_stride];
        const bool better =
            Extreme<T, kMax>::beats(value, best[j]) | ((value != value) & (best[j] == best[j]));
        best[j] = better ? value : best[j];
        at[j] = better ? i : at[j];
      }
    }
    for (int64_t j = 0; j < columns; ++j) {
      indices[kept.y() + j * inner.y_stride] = at[j];
      if (values != nullptr) values[kept.y() + j * inner.y_stride] = T(best[j]);
    }
  });
}

template <bool kMax>
void extreme_with_index(const CpuContext& ctx, const ReduceGeometry& g, TensorView x, TensorView values,
                        TensorView indices) {
  if (g.outputs == 0) return;
  const Line line{g.count, g.reduced_rank == 0 ? 1 : g.reduced[0].x_stride};
  const bool columns = g.kept_rank > 0 && g.kept[g.kept_rank - 1].x_stride < line.stride;
  visit_element(x.dtype, kMax ? "max" : "min", [&]<class T>() {
    (columns ? index_columns<kMax, T> : index_rows<kMax, T>)(ctx, g, line, x.as<T>(),
                                                             values.defined() ? values.as<T>() : nullptr,
                                                             indices.as<int64_t>());
  });
}

}  // namespace

void max_with_index(CpuContext& ctx, const ReduceGeometry& g, TensorView x, TensorView values,
                    TensorView indices) {
  extreme_with_index<true>(ctx, g, x, values, indices);
}

void min_with_index(CpuContext& ctx, const ReduceGeometry& g, TensorView x, TensorView values,
                    TensorView indices) {
  extreme_with_index<false>(ctx, g, x, values, indices);
}

}  // namespace kiln::kernels
