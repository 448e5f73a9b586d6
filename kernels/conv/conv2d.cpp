#include <kiln/kernels/conv/conv2d.h>

#include <kiln/tensor/fail.h>

namespace kiln::kernels {
namespace {

void check_options(Pair stride, Pair padding, Pair dilation, int64_t groups) {
  if (stride.h < 1 || stride.w < 1)
    fail("conv2d: stride must be at least 1, got ({}, {})", stride.h, stride.w);
  if (padding.h < 0 || padding.w < 0)
    fail("conv2d: padding must not be negative, got ({}, {})", padding.h, padding.w);
  if (dilation.h < 1 || dilation.w < 1)
    fail("conv2d: dilation must be at least 1, got ({}, {})", dilation.h, dilation.w);
  if (groups < 1) fail("conv2d: groups must be at least 1, got {}", groups);
}

}  // namespace

Conv2dGeometry Conv2dGeometry::of(const Shape& x, const Shape& weight, Pair stride, Pair padding,
                                  Pair dilation, int64_t groups) {
  check_options(stride, padding, dilation, groups);
  if (x.rank() != 4) fail("conv2d: x must be [N,C,H,W], got {}", x);
  if (weight.rank() != 4) fail("conv2d: weight must be [K,C/groups,R,S], got {}", weight);
  for (const int64_t size : weight)
    if (size == 0) fail("conv2d: weight has an empty dimension {}", weight);
  if (x[1] != weight[1] * groups)
    fail("conv2d: weight expects {} input channels, x has {} (x {}, weight {}, groups {})",
         weight[1] * groups, x[1], x, weight, groups);
  if (weight[0] % groups != 0)
    fail("conv2d: {} filters cannot be split into {} groups (weight {})", weight[0], groups, weight);
  Conv2dGeometry g{x[0], x[1],     x[2],     x[3],      weight[0], weight[2],  weight[3],  0,
                   0,    stride.h, stride.w, padding.h, padding.w, dilation.h, dilation.w, groups};
  const int64_t reach_h = dilation.h * (g.kernel_h - 1) + 1, reach_w = dilation.w * (g.kernel_w - 1) + 1;
  if (g.height + 2 * padding.h < reach_h || g.width + 2 * padding.w < reach_w)
    fail("conv2d: the kernel spans {}x{}, more than the padded x {}x{} (x {}, weight {}); add padding",
         reach_h, reach_w, g.height + 2 * padding.h, g.width + 2 * padding.w, x, weight);
  g.out_h = (g.height + 2 * padding.h - reach_h) / stride.h + 1;
  g.out_w = (g.width + 2 * padding.w - reach_w) / stride.w + 1;
  return g;
}

}  // namespace kiln::kernels
