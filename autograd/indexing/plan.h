#pragma once

#include <kiln/tensor/indexing.h>

// Internal: what x[indices] asks for.

namespace kiln::indexing {

// The view that integers, slices, None, Ellipsis and 0-dim tensors give, and of the index tensors that are
// left one a dimension of it: int64 positions that are not negative, or undefined for a whole dimension.
struct Plan {
  Tensor view;
  std::vector<Tensor> positions;

  bool is_view() const { return positions.empty(); }
};
Plan plan_of(const char* op, const Tensor& x, const TensorIndices& indices);

// Index tensors as one list along one dimension. `view` is permuted so that the dimensions that they index
// stand side by side from `dim` on, `merged` is their number, and `list` names positions of those dimensions
// taken as one. `taken` is the shape that they broadcast to.
struct Along {
  Tensor view;
  int dim = 0, merged = 0;
  Tensor list;
  Shape taken;

  // view's shape with the merged dimensions as `sizes`.
  Shape with(const Shape& sizes) const;
  Shape flat() const;  // with one dimension for them
};
Along along(const char* op, const Plan& plan);

// Whether the indices have one mask, of at least one dimension, and no other index tensor; then `mask` is it,
// shaped to broadcast over `view`.
bool is_masked(const char* op, const Tensor& x, const TensorIndices& indices, Tensor* view, Tensor* mask);

}  // namespace kiln::indexing
