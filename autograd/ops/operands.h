#pragma once

#include <kiln/tensor/tensor.h>

// Internal, for the sources of ops: types, layouts and memory of operands and results. What all ops ask of
// operands is in op.h.

namespace kiln {

// PyTorch subtracts no bools, on either side.
void refuse_bool_difference(const char* op, const Tensor& x);

// PyTorch's type of an operation on these operands: among tensors with dimensions by promote_types; 0-dim
// tensors, then numbers, only count when they are of a higher category (bool, integral, floating). Refuses
// storage-only types.
DType result_type(const char* op, const Tensor& a, const Tensor& b);
DType result_type(const char* op, const Tensor& a, const Scalar& b);

// The dense layout of an elementwise result: the broadcast shape, in the order of dimensions of the operand
// that has it.
Layout result_layout(const char* op, const Tensor& a, const Tensor& b);

// For `x.op_(other)`: that a result of this type and shape can be written to x.
void check_in_place_result(const char* op, const Tensor& x, DType result, const Shape& shape);

// What an integral type, or bool, holds.
struct Range {
  int64_t least, most;
};
Range range_of(DType dtype);

// Throws "fill_: value 300 cannot be stored in uint8, which holds 0 .. 255" for a number out of the type's
// range. Floating types hold what rounds, and infinities; integers what a fraction is cut to; bool holds all,
// as false for 0.
void check_fits(const char* op, const Scalar& value, DType dtype);

// Whether a and b share any byte.
bool overlap(const Tensor& a, const Tensor& b);

// Uninitialised memory of this layout, which must be dense; its offset counts as 0. Throws when its elements
// cannot be counted.
Tensor empty_dense(const Layout& layout, DType dtype, Device device);

// The dense layout of a result with x's shape: x's order of dimensions.
Layout dense_like(const Layout& x);

// A tensor over part of x's memory, without history. The layout must lie inside x's storage.
Tensor alias(const Tensor& x, const Layout& layout);

// x as this dtype, without history.
Tensor converted(const Tensor& x, DType dtype);

// x, or a row-major copy of it without history; an undefined one stays so.
Tensor dense(const Tensor& x);

// x, or a copy of it without history, in memory of this dense layout.
Tensor laid_out(const Tensor& x, const Layout& layout);

// The type that sums over x are kept in: float64 for float64, else float32.
DType wide_type(const Tensor& x);

// A number as a 0-dim tensor on the device of x.
Tensor number_like(const Scalar& value, const Tensor& x);

// What broadcasting and promotion did to an operand, undone for its gradient.
struct Origin {
  Shape shape;
  DType dtype;
  explicit Origin(const Tensor& x) : shape(x.shape()), dtype(x.dtype()) {}
  Tensor operator()(const Tensor& g) const;
};

// Whether a write to one can change the other in another way than element by element.
bool partly_overlap(const Tensor& a, const Tensor& b);

}  // namespace kiln
