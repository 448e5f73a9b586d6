#pragma once

#include <algorithm>

#include <kiln/tensor/shape.h>

namespace kiln::io {

// Internal: whether the bytes and strides of a tensor can be computed at all. Files are not to be believed:
// beside a size of 0, others may be of any size.
inline bool has_countable_bytes(const Shape& shape, int64_t width) {
  for (const int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(width, std::max<int64_t>(size, 1), &width)) return false;
  return true;
}

}  // namespace kiln::io
