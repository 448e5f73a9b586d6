#include <kiln/kernels/conv/conv2d.h>

#include <kiln/kernels/conv/option_range.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::kernels {
namespace {

void check_options(Pair stride, Pair padding, Pair dilation, int64_t groups) {
  check_option("conv2d", "stride", stride, 1);
  check_option("conv2d", "padding", padding, 0);
  check_option("conv2d", "dilation", dilation, 1);
  if (groups < 1 || groups > INT32_MAX)
    fail("conv2d: groups must be at least 1 and at most {}, got {}", INT32_MAX, groups);
}

}  // namespace

Conv2dGeometry Conv2dGeometry::of(const Shape& x, const Shape& weight, Pair stride, Pair padding,
                                  Pair dilation, int64_t groups) {
  check_options(stride, padding, dilation, groups);
  if (x.rank() != 4) fail("conv2d: x must be [N,C,H,W], got {}", x);
  if (weight.rank() != 4) fail("conv2d: weight must be [K,C/groups,R,S], got {}", weight);
  for (const int64_t size : weight)
    if (size < 1 || size > INT32_MAX)
      fail("conv2d: weight has {} dimension {}", size == 0 ? "an empty" : "an impossible", weight);
  for (const int64_t size : x)
    if (size < 0 || size > INT32_MAX) fail("conv2d: x has an impossible dimension {}", x);
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
