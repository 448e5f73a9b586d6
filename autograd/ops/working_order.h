#pragma once

#include <kiln/tensor/tensor.h>

// Internal.

namespace kiln {

// The order of memory in which an op on images computes: channels-last when x's channels lie next to each
// other, else row-major.
inline MemoryFormat working_order(const Tensor& x) {
  const bool nhwc = x.dim() == 4 && x.shape()[1] > 1 && x.strides()[1] == 1 && !x.layout().is_contiguous();
  return nhwc ? MemoryFormat::channels_last : MemoryFormat::contiguous;
}

}  // namespace kiln
