#include <kiln/kernels/conv/pool2d.h>

#include <algorithm>

#include <kiln/kernels/conv/option_range.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::kernels {
namespace {

// PyTorch's rule: with ceil_mode the last window may hang over the edge, but must start inside x or its
// padding.
int64_t output_size(int64_t size, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation,
                    bool ceil_mode) {
  const int64_t room = size + 2 * padding - dilation * (kernel - 1) - 1;
  if (room < 0 && !(ceil_mode && room + stride > 0)) return 0;
  int64_t out = (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  if (ceil_mode && (out - 1) * stride >= size + padding) --out;
  return out;
}

Pool2dGeometry images_of(const char* op, const Layout& x, Pair kernel, Pair stride, Pair padding,
                         Pair dilation) {
  if (x.rank() != 4) fail("{}: x must be [N,C,H,W], got {}", op, x.shape);
  const int64_t batch = x.shape[0], channels = x.shape[1], height = x.shape[2], width = x.shape[3];
  if (height == 0 || width == 0) fail("{}: x {} has empty images", op, x.shape);
  if (x.is_contiguous()) return {batch * channels, 1, height, width, 0, 0, kernel, stride, padding, dilation};
  return {batch, channels, height, width, 0, 0, kernel, stride, padding, dilation};
}

}  // namespace

Pool2dGeometry Pool2dGeometry::of(const char* op, const Layout& x, Pair kernel, Pair stride, Pair padding,
                                  Pair dilation, bool ceil_mode) {
  check_option(op, "kernel", kernel, 1);
  if (stride.h == 0) stride.h = kernel.h;
  if (stride.w == 0) stride.w = kernel.w;
  check_option(op, "stride", stride, 1);
  check_option(op, "dilation", dilation, 1);
  if (padding.h < 0 || padding.w < 0 || padding.h > kernel.h / 2 || padding.w > kernel.w / 2)
    fail("{}: padding must be between 0 and half of the kernel, got ({}, {}) for a kernel of ({}, {})", op,
         padding.h, padding.w, kernel.h, kernel.w);
  Pool2dGeometry g = images_of(op, x, kernel, stride, padding, dilation);
  g.out_h = output_size(g.height, kernel.h, stride.h, padding.h, dilation.h, ceil_mode);
  g.out_w = output_size(g.width, kernel.w, stride.w, padding.w, dilation.w, ceil_mode);
  if (g.out_h < 1 || g.out_w < 1)
    fail("{}: a kernel of ({}, {}) does not fit into x {} with padding ({}, {})", op, kernel.h, kernel.w,
         x.shape, padding.h, padding.w);
  return g;
}

Pool2dGeometry Pool2dGeometry::to_size(const char* op, const Layout& x, Pair output) {
  check_option(op, "the output size", output, 0);
  Pool2dGeometry g = images_of(op, x, 1, 1, 0, 1);
  g.out_h = output.h;
  g.out_w = output.w;
  g.adaptive = true;
  return g;
}

DType Pool2dGeometry::index_type() const { return kernel.h * kernel.w <= 256 ? DType::uint8 : DType::int32; }

Pool2dGeometry::Window Pool2dGeometry::window(int64_t i, int64_t size, int64_t out, int64_t kernel_size,
                                              int64_t step, int64_t pad) const {
  if (adaptive) {
    const int64_t begin = i * size / out, end = ((i + 1) * size + out - 1) / out;
    return {begin, end, end - begin};
  }
  const int64_t start = i * step - pad, stop = std::min(start + kernel_size, size + pad);
  const int64_t begin = std::max<int64_t>(0, start), end = std::min(stop, size);
  return {begin, end, count_padding ? stop - start : end - begin};
}

}  // namespace kiln::kernels
