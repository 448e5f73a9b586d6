#pragma once

// Internal: from a dtype to its C++ type, and walking strided elements.

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/dtype/visit.h>
#include <kiln/tensor/layout.h>

namespace kiln {

// Calls f(offset) for each element in row-major order; offsets count from the first element. For small or
// cold tensors.
template <class F>
void for_each_offset(const Layout& layout, F&& f) {
  const int64_t count = layout.numel();
  Dims index = Dims::filled(layout.rank(), 0);
  int64_t offset = 0;
  for (int64_t i = 0; i < count; ++i) {
    f(offset);
    for (int d = layout.rank() - 1; d >= 0; --d) {
      offset += layout.strides[d];
      if (++index[d] < layout.shape[d]) break;
      offset -= layout.strides[d] * layout.shape[d];
      index[d] = 0;
    }
  }
}

}  // namespace kiln
