#pragma once

#include <kiln/tensor/base/saturate.h>

// Internal, for the sources of models.

namespace kiln::nn::models {

// The multiple of `divisor` nearest to x that is not under `divisor` nor more than a tenth under x, as
// networks scaled in width round their channels (torchvision's _make_divisible).
inline int64_t make_divisible(double x, int64_t divisor) {
  int64_t result = saturate_cast(x + double(divisor) / 2) / divisor * divisor;
  if (result < divisor) result = divisor;
  return double(result) < 0.9 * x ? add_sat(result, divisor) : result;
}

}  // namespace kiln::nn::models
