#include <kiln/kernels/conv/cuda/pool2d_windows.cuh>

#include <algorithm>
#include <limits>

namespace kiln::kernels {
namespace {

// Calls f(position in the window, h, w) for the taps inside the image.
template <class F>
__device__ __forceinline__ void each_tap(const PoolWindows& g, int p, int q, const F& f) {
  for (int r = 0; r < g.rows.kernel; ++r) {
    const int h = p * g.rows.stride - g.rows.padding + r * g.rows.dilation;
    if (h < 0 || h >= g.rows.size) continue;
    for (int s = 0; s < g.columns.kernel; ++s) {
      const int w = q * g.columns.stride - g.columns.padding + s * g.columns.dilation;
      if (w >= 0 && w < g.columns.size) f(r * g.columns.kernel + s, h, w);
    }
  }
}

// A pack of T's number of indices: 16 bytes at a time, or all of them where they are less.
template <class Index, int kPack>
struct TapWords {
  static constexpr int kSize = std::min(kPack, int(16 / sizeof(Index)));
  using Word = gpu::Pack<Index, kSize>;
};
template <class Index, int kPack>
__device__ __forceinline__ void store_taps(Index* to, const Index (&taps)[kPack]) {
  using Words = TapWords<Index, kPack>;
#pragma unroll
  for (int first = 0; first < kPack; first += Words::kSize) {
    typename Words::Word word;
#pragma unroll
    for (int e = 0; e < Words::kSize; ++e) word[e] = taps[first + e];
    gpu::store(reinterpret_cast<typename Words::Word*>(to + first), word);
  }
}
template <class Index, int kPack>
__device__ __forceinline__ void load_taps(const Index* from, Index (&taps)[kPack]) {
  using Words = TapWords<Index, kPack>;
#pragma unroll
  for (int first = 0; first < kPack; first += Words::kSize) {
    const auto word = gpu::load(reinterpret_cast<const typename Words::Word*>(from + first));
#pragma unroll
    for (int e = 0; e < Words::kSize; ++e) taps[first + e] = word[e];
  }
}

// Reads x (windows that overlap come from the cache), writes y and the index.
template <class T, class Index, int kPack>
__global__ void __launch_bounds__(kImageThreads)
    max_pool2d_kernel(PoolWindows g, PixelWalk walk, const T* x, T* y, Index* index) {
  using Acc = device_accumulate_t<T>;
  const uint32_t unit = unit_of_thread();
  if (unit >= walk.units) return;
  const Pixel at = pixel_at<kPack>(walk, unit);
  gpu::Pack<T, kPack> best;
  Index taps[kPack];
#pragma unroll
  for (int e = 0; e < kPack; ++e) {
    best[e] = cast<T>(-std::numeric_limits<Acc>::infinity());
    taps[e] = 0;
  }
  bool is_first = true;
  each_tap(g, at.row, at.column, [&](int tap, int h, int w) {
    const auto values = load_pack<kPack>(x + g.x_offset(at.image, h, w) + at.channel);
#pragma unroll
    for (int e = 0; e < kPack; ++e) {
      const Acc value = cast<Acc>(values[e]);
      if (is_first || value > cast<Acc>(best[e]) || value != value) {  // NaN wins
        best[e] = values[e];
        taps[e] = Index(tap);
      }
    }
    is_first = false;
  });
  store_pack(y + int64_t(unit) * kPack, best);
  store_taps(index + int64_t(unit) * kPack, taps);
}

// Leaves the compiler 64 registers: its own choice of fewer makes some instances spill.
constexpr int kBackwardBlocks = 4;

// Each pixel of dx gathers from the windows that hold it. Reads g and the index, writes dx.
template <class T, class Index, int kPack>
__global__ void __launch_bounds__(kImageThreads, kBackwardBlocks)
    max_pool2d_backward_kernel(PoolWindows g, PixelWalk walk, const T* grad, const Index* index, T* dx) {
  using Acc = device_accumulate_t<T>;
  const uint32_t unit = unit_of_thread();
  if (unit >= walk.units) return;
  const Pixel at = pixel_at<kPack>(walk, unit);
  Acc sums[kPack] = {};
  const PoolAxis::Range above = g.rows.windows_of(at.row), beside = g.columns.windows_of(at.column);
  for (int p = above.begin; p < above.end; ++p) {
    const int r = g.rows.tap(p, at.row);
    for (int q = beside.begin; q < beside.end; ++q) {
      const int s = g.columns.tap(q, at.column);
      if (r < 0 || s < 0) continue;
      const int64_t offset = g.y_offset(at.image, p, q) + at.channel;
      const auto values = load_pack<kPack>(grad + offset);
      Index taps[kPack];
      load_taps(index + offset, taps);
#pragma unroll
      for (int e = 0; e < kPack; ++e)
        if (int(taps[e]) == r * g.columns.kernel + s) sums[e] += cast<Acc>(values[e]);
    }
  }
  gpu::Pack<T, kPack> out;
#pragma unroll
  for (int e = 0; e < kPack; ++e) out[e] = cast<T>(sums[e]);
  store_pack(dx + int64_t(unit) * kPack, out);
}

// Reads the index and one element of x for each of y.
template <class T, class Index>
__global__ void __launch_bounds__(kImageThreads)
    max_pool2d_gather_kernel(PoolWindows g, PixelWalk walk, const T* x, const Index* index, T* y) {
  const uint32_t unit = unit_of_thread();
  if (unit >= walk.units) return;
  const Pixel at = pixel_at<1>(walk, unit);
  const int tap = int(index[unit]);
  const int h = at.row * g.rows.stride - g.rows.padding + tap / g.columns.kernel * g.rows.dilation;
  const int w =
      at.column * g.columns.stride - g.columns.padding + tap % g.columns.kernel * g.columns.dilation;
  const bool inside = h >= 0 && h < g.rows.size && w >= 0 && w < g.columns.size;
  y[unit] = inside ? x[g.x_offset(at.image, h, w) + at.channel] : cast<T>(0.0f);
}

// f.operator()<T, Index>()
template <class F>
void visit(const char* op, DType dtype, DType index, const F& f) {
  visit_device_floating(dtype, op, [&]<class T>() {
    index == DType::uint8 ? f.template operator()<T, uint8_t>() : f.template operator()<T, int32_t>();
  });
}

}  // namespace

void max_pool2d(CudaContext& ctx, const Pool2dGeometry& g, TensorView x, TensorView y, TensorView index) {
  visit("max_pool2d", x.dtype, index.dtype, [&]<class T, class Index>() {
    with_channel_packs<T>(g.channels, {x.data, y.data, index.data}, [&]<int kPack>() {
      const PoolWindows windows(g);
      each_walk<kPack>(g.images, g.out_h, g.out_w, g.channels, [&](int64_t first, const PixelWalk& walk) {
        const int64_t at = first * windows.y_size();
        launch(ctx, "max_pool2d", max_pool2d_kernel<T, Index, kPack>, walk.launch(), windows, walk,
               x.as<const T>() + first * windows.x_size(), y.as<T>() + at, index.as<Index>() + at);
      });
    });
  });
}

void max_pool2d_backward(CudaContext& ctx, const Pool2dGeometry& geometry, TensorView g, TensorView index,
                         TensorView dx) {
  visit("max_pool2d_backward", g.dtype, index.dtype, [&]<class T, class Index>() {
    with_channel_packs<T>(geometry.channels, {g.data, index.data, dx.data}, [&]<int kPack>() {
      const PoolWindows windows(geometry);
      each_walk<kPack>(geometry.images, geometry.height, geometry.width, geometry.channels,
                       [&](int64_t first, const PixelWalk& walk) {
                         const int64_t at = first * windows.y_size();
                         launch(ctx, "max_pool2d_backward", max_pool2d_backward_kernel<T, Index, kPack>,
                                walk.launch(), windows, walk, g.as<const T>() + at,
                                index.as<const Index>() + at, dx.as<T>() + first * windows.x_size());
                       });
    });
  });
}

void max_pool2d_gather(CudaContext& ctx, const Pool2dGeometry& g, TensorView x, TensorView index,
                       TensorView y) {
  visit("max_pool2d_gather", x.dtype, index.dtype, [&]<class T, class Index>() {
    const PoolWindows windows(g);
    each_walk<1>(g.images, g.out_h, g.out_w, g.channels, [&](int64_t first, const PixelWalk& walk) {
      const int64_t at = first * windows.y_size();
      launch(ctx, "max_pool2d_gather", max_pool2d_gather_kernel<T, Index>, walk.launch(), windows, walk,
             x.as<const T>() + first * windows.x_size(), index.as<const Index>() + at, y.as<T>() + at);
    });
  });
}

}  // namespace kiln::kernels
