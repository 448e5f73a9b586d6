#pragma once

// For sources of kernels only: the windows of a pooling, on the device.

#include <kiln/kernels/conv/pool2d.h>
#include <kiln/kernels/base/cuda/image_walk.cuh>
#include <kiln/kernels/base/cuda/split.cuh>

namespace kiln::kernels {

// Rows of x below row p of y, and rows of y above row h of x; columns are the same with their numbers.
struct PoolAxis {
  int size, out, kernel, stride, padding, dilation;
  bool adaptive, count_padding;

  struct Range {
    int begin, end, count;
  };
  // (i * factor + more) / divisor
  __device__ static int scaled(int i, int factor, int divisor, int more = 0) {
    return int(split(int64_t(i) * factor + more, divisor).quotient);
  }
  // As Pool2dGeometry::Window; not for dilation.
  __device__ Range window(int p) const {
    if (adaptive) {
      const int begin = scaled(p, size, out), end = scaled(p + 1, size, out, out - 1);
      return {begin, end, end - begin};
    }
    const int start = p * stride - padding, stop = min(start + kernel, size + padding);
    const int begin = max(0, start), end = min(stop, size);
    return {begin, end, count_padding ? stop - start : end - begin};
  }
  // The windows [begin, end) that may hold row h; with dilation only those where `tap` is not -1.
  __device__ Range windows_of(int h) const {
    if (adaptive) return {scaled(h, out, size), scaled(h + 1, out, size, size - 1), 0};
    const int top = h + padding, beyond = top - dilation * (kernel - 1);
    return {beyond <= 0 ? 0 : (beyond + stride - 1) / stride, min(out, top / stride + 1), 0};
  }
  // Which tap of window p, one of windows_of(h), row h is.
  __device__ int tap(int p, int h) const {
    const int distance = h + padding - p * stride;
    return dilation == 1 ? distance : distance % dilation == 0 ? distance / dilation : -1;
  }
};

struct PoolWindows {
  int64_t channels;
  PoolAxis rows, columns;

  explicit PoolWindows(const Pool2dGeometry& g)
      : channels(g.channels),
        rows{int(g.height),    int(g.out_h),      int(g.kernel.h), int(g.stride.h),
             int(g.padding.h), int(g.dilation.h), g.adaptive,      g.count_padding},
        columns{int(g.width),     int(g.out_w),      int(g.kernel.w), int(g.stride.w),
                int(g.padding.w), int(g.dilation.w), g.adaptive,      g.count_padding} {}
  // Elements of an image.
  int64_t x_size() const { return int64_t(rows.size) * columns.size * channels; }
  int64_t y_size() const { return int64_t(rows.out) * columns.out * channels; }
  __device__ int64_t x_offset(int64_t image, int h, int w) const {
    return ((image * rows.size + h) * columns.size + w) * channels;
  }
  __device__ int64_t y_offset(int64_t image, int p, int q) const {
    return ((image * rows.out + p) * columns.out + q) * channels;
  }
};

}  // namespace kiln::kernels
