#pragma once

#include <kiln/tensor/base/pair.h>
#include <kiln/tensor/device/context.h>

namespace kiln::kernels {

// Windows over the last two dimensions of x [N,C,H,W], seen as `images` of [height, width, channels] where
// the channels lie next to each other: channels-last order as it is, a contiguous tensor as N*C images of one
// channel.
struct Pool2dGeometry {
  int64_t images, channels, height, width, out_h, out_w;
  Pair kernel, stride, padding, dilation;
  bool count_padding = true;  // average pooling divides by the window's size with its padding
  bool adaptive = false;      // average pooling splits each side into out_h, out_w nearly equal windows

  // `x` is contiguous or dense in channels-last order; a stride of 0 stands for the kernel's size. Throws
  // "op: ..." as PyTorch does: empty images, padding beyond half the kernel, no output.
  static Pool2dGeometry of(const char* op, const Layout& x, Pair kernel, Pair stride, Pair padding,
                           Pair dilation, bool ceil_mode);
  static Pool2dGeometry to_size(const char* op, const Layout& x, Pair output);

  // The type that holds a window's index in: uint8, or int32 for windows of more than 256 elements.
  DType index_type() const;

  // Rows [begin, end) of x below row p of y, and the factor of the divisor for that direction; not for
  // dilation.
  struct Window {
    int64_t begin, end, count;
  };
  Window rows(int64_t p) const { return window(p, height, out_h, kernel.h, stride.h, padding.h); }
  Window columns(int64_t q) const { return window(q, width, out_w, kernel.w, stride.w, padding.w); }

 private:
  Window window(int64_t i, int64_t size, int64_t out, int64_t kernel_size, int64_t step, int64_t pad) const;
};

// All tensors are dense in the geometry's order, of one floating dtype; index is like y, of index_type().
// y = the maximum of each window, index = its position r * kernel.w + s; the first of equal values, the last
// NaN.
void max_pool2d(CpuContext&, const Pool2dGeometry&, TensorView x, TensorView y, TensorView index);
void max_pool2d(CudaContext&, const Pool2dGeometry&, TensorView x, TensorView y, TensorView index);
// dx = g added where each maximum came from. Each thread owns whole images or channels: no atomics.
void max_pool2d_backward(CpuContext&, const Pool2dGeometry&, TensorView g, TensorView index, TensorView dx);
void max_pool2d_backward(CudaContext&, const Pool2dGeometry&, TensorView g, TensorView index, TensorView dx);
// y = x where each maximum came from: the adjoint of max_pool2d_backward.
void max_pool2d_gather(CpuContext&, const Pool2dGeometry&, TensorView x, TensorView index, TensorView y);
void max_pool2d_gather(CudaContext&, const Pool2dGeometry&, TensorView x, TensorView index, TensorView y);

// y = the mean of each window.
void avg_pool2d(CpuContext&, const Pool2dGeometry&, TensorView x, TensorView y);
void avg_pool2d(CudaContext&, const Pool2dGeometry&, TensorView x, TensorView y);
// dx = g / divisor added over each window.
void avg_pool2d_backward(CpuContext&, const Pool2dGeometry&, TensorView g, TensorView dx);
void avg_pool2d_backward(CudaContext&, const Pool2dGeometry&, TensorView g, TensorView dx);

}  // namespace kiln::kernels
