#include <kiln/kernels/matmul/gemm.h>

#include <kiln/kernels/matmul/cuda/gemm_lt.h>
#include <kiln/kernels/base/cuda/element.cuh>
#include <kiln/kernels/base/cuda/launch.cuh>
#include <kiln/kernels/base/cuda/split.cuh>

namespace kiln::kernels {
namespace {

using Matrix = GemmGeometry::Matrix;

// A block computes a tile of kTile x kTile results, each thread kOwn x kOwn of them; kDepth terms at a time
// are in shared memory.
constexpr int kTile = 64, kOwn = 4, kDepth = 16, kSide = kTile / kOwn, kThreads = kSide * kSide;

// Sums in the type of accumulation; unsigned for integers, which may wrap around.
template <class T>
using sum_t =
    std::conditional_t<std::is_integral_v<T>, std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>,
                       device_accumulate_t<T>>;

// A factor of old values: integers take fractions too, as on the CPU.
template <class T>
using beta_t = std::conditional_t<std::is_integral_v<T>, double, device_accumulate_t<T>>;

template <class T>
struct Operands {
  const T *a, *b, *bias;
  T* c;
};

// How neighbouring threads fetch a tile: along the terms, or across them; whichever is dense in memory.
struct Fetch {
  bool a_along, b_along;
};

// A tile of kDepth terms by kTile rows (or columns), zero beyond the matrix.
template <class T, class Sum>
__device__ __forceinline__ void fetch_tile(const T* x, int64_t across_stride, int64_t along_stride,
                                           int64_t across, int64_t along, int64_t across_size,
                                           int64_t along_size, bool dense_along,
                                           Sum (&tile)[kDepth][kTile + 1]) {
#pragma unroll
  for (int i = 0; i < kTile * kDepth / kThreads; ++i) {
    const int at = int(threadIdx.x) + i * kThreads;
    const int p = dense_along ? at % kDepth : at / kTile, r = dense_along ? at / kDepth : at % kTile;
    const bool inside = across + r < across_size && along + p < along_size;
    tile[p][r] = inside ? cast<Sum>(x[(across + r) * across_stride + (along + p) * along_stride]) : Sum(0);
  }
}

template <class T>
__device__ __forceinline__ sum_t<T> kept(beta_t<T> beta, T old) {
  if constexpr (std::is_integral_v<T>)
    return sum_t<T>(int64_t(beta * double(old)));
  else
    return beta * cast<sum_t<T>>(old);
}

template <class T>
__global__ void __launch_bounds__(kThreads) gemm_kernel(GemmGeometry g, Operands<T> x, Fetch fetch,
                                                        int64_t tiles_m, int64_t tiles_n, beta_t<T> beta) {
  using Sum = sum_t<T>;
  auto& a = gpu::shared<Sum[kDepth][kTile + 1], struct TileA>();
  auto& b = gpu::shared<Sum[kDepth][kTile + 1], struct TileB>();
  const Split items = split(blockIdx.x, tiles_m * tiles_n), tile = split(items.remainder, tiles_n);
  const int64_t item = items.quotient, row = tile.quotient * kTile, column = tile.remainder * kTile;
  const int own_row = int(threadIdx.x) / kSide, own_column = int(threadIdx.x) % kSide;
  Sum sums[kOwn][kOwn] = {};
  for (int64_t first = 0; first < g.k; first += kDepth) {
    __syncthreads();
    fetch_tile(x.a + item * g.a.batch, g.a.row, g.a.column, row, first, g.m, g.k, fetch.a_along, a);
    fetch_tile(x.b + item * g.b.batch, g.b.column, g.b.row, column, first, g.n, g.k, fetch.b_along, b);
    __syncthreads();
#pragma unroll
    for (int p = 0; p < kDepth; ++p) {
      Sum left[kOwn], right[kOwn];
#pragma unroll
      for (int i = 0; i < kOwn; ++i) left[i] = a[p][own_row + i * kSide];
#pragma unroll
      for (int j = 0; j < kOwn; ++j) right[j] = b[p][own_column + j * kSide];
#pragma unroll
      for (int i = 0; i < kOwn; ++i)
#pragma unroll
        for (int j = 0; j < kOwn; ++j) sums[i][j] += left[i] * right[j];
    }
  }
#pragma unroll
  for (int i = 0; i < kOwn; ++i)
#pragma unroll
    for (int j = 0; j < kOwn; ++j) {
      const int64_t r = row + own_row + i * kSide, s = column + own_column + j * kSide;
      if (r >= g.m || s >= g.n) continue;
      T& out = x.c[item * g.c.batch + r * g.c.row + s * g.c.column];
      Sum sum = sums[i][j];
      if (x.bias != nullptr) sum += cast<Sum>(x.bias[s]);
      if (beta != 0) sum += kept<T>(beta, out);
      out = cast<T>(sum);
    }
}

}  // namespace

void gemm(CudaContext& ctx, const GemmGeometry& g, TensorView a, TensorView b, TensorView bias, TensorView c,
          double beta) {
  if (g.batch * g.m * g.n == 0) return;
  if (gemm_lt(ctx, g, a, b, bias, c, beta)) return;
  const int64_t tiles_m = (g.m + kTile - 1) / kTile, tiles_n = (g.n + kTile - 1) / kTile;
  const Fetch fetch{g.a.column == 1, g.b.row == 1};
  visit_device_number(c.dtype, "matmul", [&]<class T>() {
    const Operands<T> x{a.as<T>(), b.as<T>(), bias.as<T>(), c.as<T>()};
    launch(ctx, "matmul", gemm_kernel<T>,
           {.grid = blocks_for(tiles_m * tiles_n * g.batch, 1), .block = kThreads}, g, x, fetch, tiles_m,
           tiles_n, beta_t<T>(beta));
  });
}

}  // namespace kiln::kernels
