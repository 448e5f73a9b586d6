#pragma once

#include <span>

#include <kiln/tensor/device/context.h>

namespace kiln::kernels {

// How operands of one shape are walked together: neighbouring dimensions that are dense in all operands are
// merged, and the remaining ones ordered by the first operand's strides, so that its memory is written in
// order. The innermost dimension is a "run". Strides are in bytes.
struct Walk {
  static constexpr int kOperands = 4;

  int operands = 0;
  int rank = 0;           // dimensions outside the run
  int64_t run = 1;        // elements in a run
  int64_t runs = 1;       // product of `sizes`; 0 when there is nothing to do
  char* data[kOperands];  // the first elements
  int64_t run_strides[kOperands];
  int64_t sizes[kMaxRank];
  int64_t strides[kOperands][kMaxRank];

  // `first` has the shape; the others broadcast to it (missing and size-1 dimensions get stride 0).
  Walk(const TensorView& first, std::span<const TensorView> others);
  explicit Walk(const TensorView& first) : Walk(first, std::span<const TensorView>()) {}
  Walk(const TensorView& first, const TensorView& second) : Walk(first, {&second, 1}) {}
};

}  // namespace kiln::kernels
