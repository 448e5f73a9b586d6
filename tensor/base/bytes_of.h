#pragma once

// Internal.

#include <kiln/tensor/dtype/dtype.h>
#include <kiln/tensor/shape.h>

namespace kiln {

// Of the elements of a dense tensor. Throws when int64 does not count them.
int64_t bytes_of(const Shape& shape, DType dtype);

}  // namespace kiln
