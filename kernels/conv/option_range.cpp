#include <kiln/kernels/conv/option_range.h>

#include <algorithm>

#include <kiln/tensor/base/fail.h>

namespace kiln::kernels {

void check_option(const char* op, const char* name, Pair value, int64_t least) {
  if (std::min(value.h, value.w) < least) {
    if (least == 0) fail("{}: {} must not be negative, got ({}, {})", op, name, value.h, value.w);
    fail("{}: {} must be at least {}, got ({}, {})", op, name, least, value.h, value.w);
  }
  if (std::max(value.h, value.w) > INT32_MAX)
    fail("{}: {} must be at most {}, got ({}, {})", op, name, INT32_MAX, value.h, value.w);
}

}  // namespace kiln::kernels
