#pragma once

#include <kiln/tensor/tensor.h>

// For the sources of ops: what every op asks of its operands.

namespace kiln {

// Throws "op: x is undefined".
void check_defined(const char* op, const Tensor& x, const char* name = "x");
// Both defined and on one device.
void check_pair(const char* op, const Tensor& a, const Tensor& b);

// Uninitialised memory of this layout, which must be dense and have offset 0.
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
