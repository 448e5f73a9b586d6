#pragma once

#include <kiln/tensor/device/context.h>
#include <kiln/tensor/padding_mode.h>

namespace kiln::kernels {

// Padding of the last two dimensions. A tensor is seen as `images` of [height, width, channels] where the
// channels lie next to each other: rank 4 in channels-last order as it is, others as images of one channel.
struct Pad2dGeometry {
  int64_t images, channels, height, width;
  int64_t left, right, top, bottom;
  PaddingMode mode;

  // x is contiguous or, with rank 4, dense in channels-last order. Throws "pad2d: ..." when the padding
  // reaches beyond what the mode can fill.
  static Pad2dGeometry of(const Layout& x, int64_t left, int64_t right, int64_t top, int64_t bottom,
                          PaddingMode mode);
  int64_t out_h() const { return height + top + bottom; }
  int64_t out_w() const { return width + left + right; }
  // The row (column) of x that row p (column q) of y shows, or -1 for the constant.
  int64_t row(int64_t p) const { return source(p - top, height); }
  int64_t column(int64_t q) const { return source(q - left, width); }

 private:
  int64_t source(int64_t i, int64_t size) const;
};

// x and y, or g and dx, are dense in the geometry's order and of one dtype.
// y = x within, `value` or x's elements by the mode outside. Any dtype that computes.
void pad2d(CpuContext&, const Pad2dGeometry&, TensorView x, double value, TensorView y);
void pad2d(CudaContext&, const Pad2dGeometry&, TensorView x, double value, TensorView y);
// dx = the sum of g over the places that show each element. Floating dtypes.
void pad2d_backward(CpuContext&, const Pad2dGeometry&, TensorView g, TensorView dx);
void pad2d_backward(CudaContext&, const Pad2dGeometry&, TensorView g, TensorView dx);

}  // namespace kiln::kernels
