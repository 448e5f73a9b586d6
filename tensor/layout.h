#pragma once

#include <kiln/tensor/shape.h>

namespace kiln {

enum class MemoryFormat : uint8_t { contiguous, channels_last };

// Where the elements of a tensor lie in its storage: sizes, strides and offset, counted in elements. A pure
// value.
struct Layout {
  Shape shape;
  Strides strides;
  int64_t offset = 0;

  static Layout contiguous(const Shape& shape, MemoryFormat format = MemoryFormat::contiguous);

  // Throws, as `op`, when a size, a stride or the offset is negative, or when the number of elements, or the
  // place of the last one, is more than int64 counts.
  void check(const char* op) const;

  int rank() const { return shape.rank(); }
  int64_t numel() const {
    int64_t product = 1;
    for (const int64_t size : shape) product *= size;
    return product;
  }

  // Dense in row-major order (or, for rank 4, in NHWC order). Dimensions of size 1 do not matter; empty is
  // contiguous.
  bool is_contiguous() const {
    int64_t step = 1;
    for (int i = rank() - 1; i >= 0; --i) {
      if (shape[i] == 1) continue;
      if (strides[i] != step) return numel() == 0;
      step *= shape[i];
    }
    return true;
  }
  bool is_channels_last() const;
  // Each element of one dense block exactly once, in whatever order of dimensions.
  bool is_dense() const;
  // No two indices reach the same element (decided conservatively: interleaved strides count as overlapping).
  bool is_non_overlapping() const;

  // Elements of storage from `offset` to the last one reached; 0 when empty.
  int64_t span() const;

  // Views. Arguments are already wrapped and checked by the op that calls.
  Layout permute(const Dims& order) const;
  Layout transpose(int a, int b) const;
  Layout narrow(int dim, int64_t start, int64_t length, int64_t step = 1) const;
  Layout select(int dim, int64_t index) const;
  Layout squeeze(int dim) const;
  Layout unsqueeze(int dim) const;
  // Size-1 and missing leading dimensions repeat with stride 0; shape must be a result of broadcasting.
  Layout expand(const Shape& to) const;
  // False when no strides give `to` without a copy.
  bool reshape(const Shape& to, Layout* result) const;
};

// Strides of a dense tensor.
Strides contiguous_strides(const Shape& shape);
Strides channels_last_strides(const Shape& shape);

}  // namespace kiln
