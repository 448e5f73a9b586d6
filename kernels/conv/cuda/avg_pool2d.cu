#include <kiln/kernels/reduce/reduce.h>
#include <kiln/kernels/conv/cuda/pool2d_windows.cuh>

namespace kiln::kernels {
namespace {

// Reads x (windows that overlap come from the cache), writes y.
template <class T, int kPack>
__global__ void __launch_bounds__(kImageThreads)
    avg_pool2d_kernel(PoolWindows g, PixelWalk walk, const T* x, T* y) {
  using Acc = device_accumulate_t<T>;
  const uint32_t unit = unit_of_thread();
  if (unit >= walk.units) return;
  const Pixel at = pixel_at<kPack>(walk, unit);
  const PoolAxis::Range rows = g.rows.window(at.row), columns = g.columns.window(at.column);
  Acc sums[kPack] = {};
  for (int h = rows.begin; h < rows.end; ++h)
    for (int w = columns.begin; w < columns.end; ++w) {
      const auto values = load_pack<kPack>(x + g.x_offset(at.image, h, w) + at.channel);
#pragma unroll
      for (int e = 0; e < kPack; ++e) sums[e] += cast<Acc>(values[e]);
    }
  const Acc share = Acc(1) / Acc(rows.count * columns.count);
  gpu::Pack<T, kPack> out;
#pragma unroll
  for (int e = 0; e < kPack; ++e) out[e] = cast<T>(sums[e] * share);
  store_pack(y + int64_t(unit) * kPack, out);
}

// Each pixel of dx gathers from the windows that hold it. Reads g, writes dx.
template <class T, int kPack>
__global__ void __launch_bounds__(kImageThreads)
    avg_pool2d_backward_kernel(PoolWindows g, PixelWalk walk, const T* grad, T* dx) {
  using Acc = device_accumulate_t<T>;
  const uint32_t unit = unit_of_thread();
  if (unit >= walk.units) return;
  const Pixel at = pixel_at<kPack>(walk, unit);
  Acc sums[kPack] = {};
  const PoolAxis::Range above = g.rows.windows_of(at.row), beside = g.columns.windows_of(at.column);
  for (int p = above.begin; p < above.end; ++p)
    for (int q = beside.begin; q < beside.end; ++q) {
      const auto values = load_pack<kPack>(grad + g.y_offset(at.image, p, q) + at.channel);
      const Acc share = Acc(1) / Acc(g.rows.window(p).count * g.columns.window(q).count);
#pragma unroll
      for (int e = 0; e < kPack; ++e) sums[e] += cast<Acc>(values[e]) * share;
    }
  gpu::Pack<T, kPack> out;
#pragma unroll
  for (int e = 0; e < kPack; ++e) out[e] = cast<T>(sums[e]);
  store_pack(dx + int64_t(unit) * kPack, out);
}

}  // namespace

void avg_pool2d(CudaContext& ctx, const Pool2dGeometry& g, TensorView x, TensorView y) {
  if (g.adaptive && g.out_h == 1 && g.out_w == 1) {  // one window: too few outputs for a thread each
    const Layout images = Layout::contiguous({g.images, g.height * g.width, g.channels});
    return mean(ctx, ReduceGeometry::over(images, dim_set("avg_pool2d", {1}, 3)), x, y);
  }
  visit_device_floating(x.dtype, "avg_pool2d", [&]<class T>() {
    with_channel_packs<T>(g.channels, {x.data, y.data}, [&]<int kPack>() {
      const PoolWindows windows(g);
      each_walk<kPack>(g.images, g.out_h, g.out_w, g.channels, [&](int64_t first, const PixelWalk& walk) {
        launch(ctx, "avg_pool2d", avg_pool2d_kernel<T, kPack>, walk.launch(), windows, walk,
               x.as<const T>() + first * windows.x_size(), y.as<T>() + first * windows.y_size());
      });
    });
  });
}

void avg_pool2d_backward(CudaContext& ctx, const Pool2dGeometry& geometry, TensorView g, TensorView dx) {
  visit_device_floating(g.dtype, "avg_pool2d_backward", [&]<class T>() {
    with_channel_packs<T>(geometry.channels, {g.data, dx.data}, [&]<int kPack>() {
      const PoolWindows windows(geometry);
      each_walk<kPack>(geometry.images, geometry.height, geometry.width, geometry.channels,
                       [&](int64_t first, const PixelWalk& walk) {
                         launch(ctx, "avg_pool2d_backward", avg_pool2d_backward_kernel<T, kPack>,
                                walk.launch(), windows, walk, g.as<const T>() + first * windows.y_size(),
                                dx.as<T>() + first * windows.x_size());
                       });
    });
  });
}

}  // namespace kiln::kernels
