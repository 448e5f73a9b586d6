#include <kiln/kernels/elementwise/copy.h>

#include <kiln/kernels/base/cpu/walk.h>
#include <kiln/kernels/elementwise/cpu/convert.h>

namespace kiln::kernels {
namespace {

// Two axes of a copy: y is dense along `columns`, x along `rows`.
struct Transpose {
  int64_t rows, columns;
  int64_t x_step;  // bytes from one column to the next in x
  int64_t y_step;  // bytes from one row to the next in y
};

template <class T>
void transpose_tile(const char* x, char* y, const Transpose& t, int64_t row, int64_t rows, int64_t column,
                    int64_t columns) {
  for (int64_t r = row; r < row + rows; ++r) {
    T* out = reinterpret_cast<T*>(y + r * t.y_step) + column;
    const char* in = x + r * int64_t(sizeof(T)) + column * t.x_step;
    for (int64_t c = 0; c < columns; ++c) out[c] = *reinterpret_cast<const T*>(in + c * t.x_step);
  }
}

// A tile of 16 x 16 elements of 4 bytes touches 16 cache lines of either side, each used whole.
constexpr int64_t kTile = 16;

template <class T>
void transpose_rows(const char* x, char* y, const Transpose& t, int64_t first, int64_t last) {
  for (int64_t row = first; row < last; row += kTile)
    for (int64_t column = 0; column < t.columns; column += kTile) {
      const int64_t rows = std::min(kTile, last - row), columns = std::min(kTile, t.columns - column);
      // The constant size lets the compiler unroll the common case.
      if (columns == kTile)
        transpose_tile<T>(x, y, t, row, rows, column, kTile);
      else
        transpose_tile<T>(x, y, t, row, rows, column, columns);
    }
}

template <class T>
void transpose(const CpuContext& ctx, const Walk& walk, int axis) {
  const Transpose t{walk.sizes[axis], walk.run, walk.run_strides[1], walk.strides[0][axis]};
  const int64_t planes = walk.runs / t.rows, bands = (t.rows + kTile - 1) / kTile;
  const int64_t grain = std::max<int64_t>(1, kGrain / (kTile * t.columns));
  parallel_for(ctx, planes * bands, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t remaining = i / bands;
      char *y = walk.data[0], *x = walk.data[1];
      for (int d = walk.rank - 1; d >= 0; --d) {
        if (d == axis) continue;
        y += remaining % walk.sizes[d] * walk.strides[0][d];
        x += remaining % walk.sizes[d] * walk.strides[1][d];
        remaining /= walk.sizes[d];
      }
      const int64_t row = i % bands * kTile;
      transpose_rows<T>(x, y, t, row, std::min(t.rows, row + kTile));
    }
  });
}

// The outer axis along which x is dense while y is dense along the run, or -1.
int transposed_axis(const Walk& walk, int64_t size) {
  if (walk.runs == 0 || walk.run_strides[0] != size || walk.run_strides[1] <= size) return -1;
  for (int d = 0; d < walk.rank; ++d)
    if (walk.strides[1][d] == size) return d;
  return -1;
}

}  // namespace

void copy(CpuContext& ctx, TensorView x, TensorView y) {
  const Walk walk(y, x);
  const ConvertRun convert = convert_run(x.dtype, y.dtype, "copy");
  if (walk.runs == 0) return;
  const int64_t size = size_of(x.dtype);
  if (x.dtype == y.dtype && size <= 8) {
    if (const int axis = transposed_axis(walk, size); axis >= 0) {
      if (size == 8) return transpose<uint64_t>(ctx, walk, axis);
      if (size == 4) return transpose<uint32_t>(ctx, walk, axis);
      if (size == 2) return transpose<uint16_t>(ctx, walk, axis);
      return transpose<uint8_t>(ctx, walk, axis);
    }
  }
  for_each_run(ctx, walk, [&](char* const* p, int64_t n) {
    convert(p[1], walk.run_strides[1], p[0], walk.run_strides[0], n);
  });
}

}  // namespace kiln::kernels
