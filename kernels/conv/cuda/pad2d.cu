#include <kiln/kernels/conv/pad2d.h>

#include <kiln/kernels/base/cuda/image_walk.cuh>

namespace kiln::kernels {
namespace {

struct PadAxis {
  int size, before, out;
  PaddingMode mode;

  // The row of x that row p of y shows, or -1.
  __device__ int source(int p) const {
    const int i = p - before;
    if (i >= 0 && i < size) return i;
    if (mode == PaddingMode::reflect) return i < 0 ? -i : 2 * (size - 1) - i;
    if (mode == PaddingMode::replicate) return i < 0 ? 0 : size - 1;
    if (mode == PaddingMode::circular) return i < 0 ? i + size : i - size;
    return -1;
  }
  // How many rows of y may show row h of x.
  __device__ int places(int h) const {
    if (mode != PaddingMode::replicate) return 3;
    return 1 + (h == 0 ? max(0, before) : 0) + (h == size - 1 ? max(0, out - before - size) : 0);
  }
  // The row of y at place i, in ascending order, or -1.
  __device__ int place(int h, int i) const {
    if (mode == PaddingMode::replicate) return (h == 0 ? 0 : h + before) + i;
    const int own = h + before, after = before + size;
    if (i == 1) return own >= 0 && own < out ? own : -1;
    if (mode == PaddingMode::reflect && i == 0) return h > 0 && h <= before ? before - h : -1;
    const int other = mode == PaddingMode::reflect    ? before + 2 * (size - 1) - h
                      : mode == PaddingMode::circular ? (i == 0 ? own - size : own + size)
                                                      : -1;
    if (i == 0) return other >= 0 && other < before ? other : -1;
    return other >= after && other < out ? other : -1;
  }
};

struct Padding {
  int64_t channels;
  PadAxis rows, columns;
  explicit Padding(const Pad2dGeometry& g)
      : channels(g.channels),
        rows{int(g.height), int(g.top), int(g.out_h()), g.mode},
        columns{int(g.width), int(g.left), int(g.out_w()), g.mode} {}
  // Elements of an image.
  int64_t x_size() const { return int64_t(rows.size) * columns.size * channels; }
  int64_t y_size() const { return int64_t(rows.out) * columns.out * channels; }
};

// Reads x, writes y.
template <class T, int kPack>
__global__ void __launch_bounds__(kImageThreads)
    pad2d_kernel(Padding g, PixelWalk walk, const T* x, T value, T* y) {
  const uint32_t unit = unit_of_thread();
  if (unit >= walk.units) return;
  const Pixel at = pixel_at<kPack>(walk, unit);
  const int h = g.rows.source(at.row), w = g.columns.source(at.column);
  gpu::Pack<T, kPack> out;
  if (h >= 0 && w >= 0)
    out = load_pack<kPack>(x + ((at.image * g.rows.size + h) * g.columns.size + w) * g.channels + at.channel);
  else
#pragma unroll
    for (int e = 0; e < kPack; ++e) out[e] = value;
  store_pack(y + int64_t(unit) * kPack, out);
}

// Each pixel of dx gathers from the places that show it. Reads g, writes dx.
template <class T, int kPack>
__global__ void __launch_bounds__(kImageThreads)
    pad2d_backward_kernel(Padding g, PixelWalk walk, const T* grad, T* dx) {
  using Acc = device_accumulate_t<T>;
  const uint32_t unit = unit_of_thread();
  if (unit >= walk.units) return;
  const Pixel at = pixel_at<kPack>(walk, unit);
  Acc sums[kPack] = {};
  const int rows = g.rows.places(at.row), columns = g.columns.places(at.column);
  for (int i = 0; i < rows; ++i) {
    const int p = g.rows.place(at.row, i);
    for (int j = 0; j < columns; ++j) {
      const int q = g.columns.place(at.column, j);
      if (p < 0 || q < 0) continue;
      const auto values = load_pack<kPack>(
          grad + ((at.image * g.rows.out + p) * g.columns.out + q) * g.channels + at.channel);
#pragma unroll
      for (int e = 0; e < kPack; ++e) sums[e] += cast<Acc>(values[e]);
    }
  }
  gpu::Pack<T, kPack> out;
#pragma unroll
  for (int e = 0; e < kPack; ++e) out[e] = cast<T>(sums[e]);
  store_pack(dx + int64_t(unit) * kPack, out);
}

}  // namespace

void pad2d(CudaContext& ctx, const Pad2dGeometry& g, TensorView x, double value, TensorView y) {
  visit_device_element(x.dtype, "pad2d", [&]<class T>() {
    with_channel_packs<T>(g.channels, {x.data, y.data}, [&]<int kPack>() {
      const Padding padding(g);
      each_walk<kPack>(g.images, g.out_h(), g.out_w(), g.channels, [&](int64_t first, const PixelWalk& walk) {
        launch(ctx, "pad2d", pad2d_kernel<T, kPack>, walk.launch(), padding, walk,
               x.as<const T>() + first * padding.x_size(), cast<T>(value),
               y.as<T>() + first * padding.y_size());
      });
    });
  });
}

void pad2d_backward(CudaContext& ctx, const Pad2dGeometry& geometry, TensorView g, TensorView dx) {
  visit_device_floating(g.dtype, "pad2d_backward", [&]<class T>() {
    with_channel_packs<T>(geometry.channels, {g.data, dx.data}, [&]<int kPack>() {
      const Padding padding(geometry);
      each_walk<kPack>(geometry.images, geometry.height, geometry.width, geometry.channels,
                       [&](int64_t first, const PixelWalk& walk) {
                         launch(ctx, "pad2d_backward", pad2d_backward_kernel<T, kPack>, walk.launch(),
                                padding, walk, g.as<const T>() + first * padding.y_size(),
                                dx.as<T>() + first * padding.x_size());
                       });
    });
  });
}

}  // namespace kiln::kernels
