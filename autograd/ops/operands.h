#pragma once

#include <kiln/tensor/tensor.h>

// For the sources of ops: what every op asks of its operands.

namespace kiln {

// Throws "op: x is undefined".
void check_defined(const char* op, const Tensor& x, const char* name = "x");
// Also throws for other types than the four floating ones.
void check_floating(const char* op, const Tensor& x, const char* name = "x");
// PyTorch subtracts no bools, on either side.
void refuse_bool_difference(const char* op, const Tensor& x);
// Both defined and on one device.
void check_pair(const char* op, const Tensor& a, const Tensor& b);

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

// Whether a and b share any byte.
bool overlap(const Tensor& a, const Tensor& b);

// Uninitialised memory of this layout, which must be dense; its offset counts as 0.
Tensor empty_dense(const Layout& layout, DType dtype, Device device);

// The dense layout of a result with x's shape: x's order of dimensions.
Layout dense_like(const Layout& x);

// A tensor over part of x's memory, without history. The layout must lie inside x's storage.
Tensor alias(const Tensor& x, const Layout& layout);

// x as this dtype, without history.
Tensor converted(const Tensor& x, DType dtype);

// Whether a write to one can change the other in another way than element by element.
bool partly_overlap(const Tensor& a, const Tensor& b);

}  // namespace kiln
