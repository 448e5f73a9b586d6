#include <kiln/kernels/elementwise/cuda/transpose.h>

#include <kiln/kernels/base/cuda/gpu.cuh>
#include <kiln/kernels/base/cuda/launch.cuh>
#include <kiln/kernels/base/cuda/split.cuh>
#include <kiln/kernels/base/cuda/strided.cuh>

namespace kiln::kernels {
namespace {

struct Plane {
  int64_t rows, columns;   // x is dense along rows, y along columns
  int64_t x_step, y_step;  // bytes from one column to the next in x, from one row to the next in y
  int64_t row_tiles, column_tiles;
};

constexpr int kTile = 32, kRows = 8;
// Blocks of an SM at least: with 48 registers nothing is spilt for 16 bytes; 0 is the compiler's choice.
template <class T>
constexpr int kBlocks = sizeof(T) == 16 ? 5 : 0;

template <class T>
__global__ void __launch_bounds__(kTile* kRows, kBlocks<T>)
    transpose_kernel(Strided<2, uint64_t> planes, Plane plane) {
  constexpr int kPad = sizeof(T) < 4 ? 4 / sizeof(T) : 1;  // a word more, so that a column lies in all banks
  auto& tile = gpu::shared<T[kTile][kTile + kPad]>();
  const Split across = split(blockIdx.x, plane.column_tiles), down = split(across.quotient, plane.row_tiles);
  const int64_t column0 = across.remainder * kTile, row0 = down.remainder * kTile;
  char* p[2];
  planes.at(uint64_t(down.quotient), p);
  const int64_t row = row0 + threadIdx.x;
  for (int j = threadIdx.y; j < kTile; j += kRows) {
    const int64_t column = column0 + j;
    if (row < plane.rows && column < plane.columns)
      tile[j][threadIdx.x] =
          *reinterpret_cast<const T*>(p[1] + row * int64_t(sizeof(T)) + column * plane.x_step);
  }
  __syncthreads();
  const int64_t column = column0 + threadIdx.x;
  for (int j = threadIdx.y; j < kTile; j += kRows) {
    const int64_t out = row0 + j;
    if (out < plane.rows && column < plane.columns)
      *reinterpret_cast<T*>(p[0] + out * plane.y_step + column * int64_t(sizeof(T))) = tile[threadIdx.x][j];
  }
}

// The axis of the walk along which x (operand 1) is dense while y (operand 0) is dense along the run, or -1.
int transposed_axis(const Walk& walk, int64_t size) {
  constexpr int64_t kWorthATile = 8;
  if (walk.run_strides[0] != size || walk.run_strides[1] <= size || walk.run < kWorthATile) return -1;
  for (int d = 0; d < walk.rank; ++d)
    if (walk.strides[1][d] == size && walk.sizes[d] >= kWorthATile) return d;
  return -1;
}

template <class T>
void transpose(const CudaContext& ctx, const Walk& walk, int axis) {
  const auto tiles = [](int64_t size) { return (size + kTile - 1) / kTile; };
  const int64_t rows = walk.sizes[axis];
  const Plane plane{rows, walk.run, walk.run_strides[1], walk.strides[0][axis], tiles(rows), tiles(walk.run)};
  Strided<2, uint64_t> planes{};
  planes.count = uint64_t(walk.runs / rows);
  for (int k = 0; k < 2; ++k) planes.data[k] = walk.data[k];
  for (int d = 0; d < walk.rank; ++d) {
    if (d == axis) continue;
    planes.sizes[planes.rank] = uint64_t(walk.sizes[d]);
    for (int k = 0; k < 2; ++k) planes.strides[k][planes.rank] = uint64_t(walk.strides[k][d]);
    ++planes.rank;
  }
  const int64_t blocks = int64_t(planes.count) * plane.row_tiles * plane.column_tiles;
  launch(ctx, "copy", transpose_kernel<T>, {.grid = blocks_for(blocks, 1), .block = dim3(kTile, kRows)},
         planes, plane);
}

struct alignas(16) Bytes16 {
  uint64_t low, high;
};

}  // namespace

bool copy_transposed(const CudaContext& ctx, const Walk& walk, int64_t element_bytes) {
  if (walk.runs == 0) return false;
  const int axis = transposed_axis(walk, element_bytes);
  if (axis < 0) return false;
  if (element_bytes == 1)
    transpose<uint8_t>(ctx, walk, axis);
  else if (element_bytes == 2)
    transpose<uint16_t>(ctx, walk, axis);
  else if (element_bytes == 4)
    transpose<uint32_t>(ctx, walk, axis);
  else if (element_bytes == 8)
    transpose<uint64_t>(ctx, walk, axis);
  else
    transpose<Bytes16>(ctx, walk, axis);
  return true;
}

}  // namespace kiln::kernels
