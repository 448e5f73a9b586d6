#include <kiln/kernels/reduce/cumsum.h>

#include <kiln/kernels/base/cuda/block_reduce.cuh>
#include <kiln/kernels/base/cuda/element.cuh>
#include <kiln/kernels/base/cuda/launch.cuh>
#include <kiln/kernels/base/cuda/split.cuh>

namespace kiln::kernels {
namespace {

constexpr int kThreads = 256, kItems = 4, kTile = kThreads * kItems;

// A running sum that keeps what rounding loses (Kahan, 1965).
template <class Total>
struct Running {
  Total sum = 0, lost = 0;
  __device__ __forceinline__ void add(Total x) {
    if constexpr (std::is_floating_point_v<Total>) {
      const Total term = x - lost, next = sum + term;
      const Total gained = next - sum;
      lost = next - next == 0 ? gained - term : Total(0);  // infinity stays infinity
      sum = next;
    } else {
      sum += x;
    }
  }
};

// A thread takes a line; neighbours are neighbouring lines. Reads x, writes y.
template <class T, class Total, class Out>
__global__ void __launch_bounds__(kThreads)
    cumsum_columns_kernel(DimGeometry g, bool reverse, const T* x, Out* y) {
  const int64_t line = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (line >= g.outer * g.inner) return;
  const Split at = split(line, g.inner);
  const int64_t step = reverse ? -g.inner : g.inner;
  int64_t i = at.quotient * g.size * g.inner + at.remainder + (reverse ? (g.size - 1) * g.inner : 0);
  Running<Total> total;
  for (int64_t n = 0; n < g.size; ++n, i += step) {
    total.add(cast<Total>(x[i]));
    y[i] = cast<Out>(total.sum);
  }
}

// The sum over the threads before this one in the block.
template <class Total>
__device__ __forceinline__ Total sum_before(Total value) {
  auto& warps = gpu::shared<Total[kThreads / kWarp]>();
  const unsigned lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
#pragma unroll
  for (unsigned step = 1; step < kWarp; step *= 2) {
    const Total below = __shfl_up_sync(gpu::kFullWarp, value, step);
    if (lane >= step) value += below;
  }
  __syncthreads();
  if (lane == kWarp - 1) warps[warp] = value;
  __syncthreads();
  const Total lanes_below = __shfl_up_sync(gpu::kFullWarp, value, 1);
  Total before = 0;
#pragma unroll
  for (unsigned w = 0; w < kThreads / kWarp; ++w)
    if (w < warp) before += warps[w];
  return lane == 0 ? before : before + lanes_below;
}

// A block takes a line, tile by tile. Reads x, writes y.
template <class T, class Total, class Out>
__global__ void __launch_bounds__(kThreads)
    cumsum_rows_kernel(int64_t size, bool reverse, const T* x, Out* y) {
  const T* in = x + int64_t(blockIdx.x) * size;
  Out* out = y + int64_t(blockIdx.x) * size;
  auto& tile_sum = gpu::shared<Total, struct TileSum>();
  Running<Total> carry;
  for (int64_t tile = 0; tile < size; tile += kTile) {
    const int64_t first = tile + int64_t(threadIdx.x) * kItems;
    Total sums[kItems], own = 0;
#pragma unroll
    for (int k = 0; k < kItems; ++k) {
      const int64_t i = first + k;
      if (i < size) own += cast<Total>(in[reverse ? size - 1 - i : i]);
      sums[k] = own;
    }
    const Total below = sum_before(own), before = carry.sum + below;
#pragma unroll
    for (int k = 0; k < kItems; ++k) {
      const int64_t i = first + k;
      if (i < size) out[reverse ? size - 1 - i : i] = cast<Out>(before + sums[k]);
    }
    if (threadIdx.x == kThreads - 1) tile_sum = below + own;
    __syncthreads();
    carry.add(tile_sum);
  }
}

}  // namespace

void cumsum(CudaContext& ctx, const DimGeometry& g, bool reverse, TensorView x, TensorView y) {
  constexpr int64_t kShortLine = 64;  // up to here a thread a line is faster
  if (g.outer * g.size * g.inner == 0) return;
  visit_device_element(x.dtype, "cumsum", [&]<class T>() {
    constexpr bool kFloating = is_half_v<T> || std::is_floating_point_v<T>;
    using Out = std::conditional_t<kFloating, T, int64_t>;
    using Total = std::conditional_t<kFloating, device_accumulate_t<T>, uint64_t>;  // integers wrap around
    if (g.inner > 1 || g.size <= kShortLine)
      launch(ctx, "cumsum", cumsum_columns_kernel<T, Total, Out>,
             {.grid = blocks_for(g.outer * g.inner, kThreads), .block = kThreads}, g, reverse,
             x.as<const T>(), y.as<Out>());
    else
      launch(ctx, "cumsum", cumsum_rows_kernel<T, Total, Out>,
             {.grid = blocks_for(g.outer, 1), .block = kThreads}, g.size, reverse, x.as<const T>(),
             y.as<Out>());
  });
}

}  // namespace kiln::kernels
