#pragma once

#include <kiln/io/pickle/pickle.h>
#include <kiln/tensor/tensor.h>

// Internal.

namespace kiln::io {

// Is the node a numpy array as numpy's pickles build it?
bool is_numpy_array(const PickleGraph& graph, PickleGraph::Id id);

// A copy of it. An array in Fortran order keeps its strides; big-endian elements are swapped. Throws for
// object and structured arrays, types that no dtype holds, and sizes that do not fit the bytes.
Tensor numpy_array(const PickleGraph& graph, PickleGraph::Id id);

// Is the node a numpy.dtype that a dtype here holds?
bool is_numpy_number(const PickleGraph& graph, PickleGraph::Id id);

// Is the node what numpy's multiarray.scalar(dtype, bytes) makes, of such a dtype? And that, as a tensor
// without dimensions.
bool is_numpy_scalar(const PickleGraph& graph, PickleGraph::Id id);
Tensor numpy_scalar(const PickleGraph& graph, PickleGraph::Id id);

// "f4" -> float32; false for what no dtype holds.
bool dtype_from_numpy(std::string_view name, DType* dtype);

// A tensor of raw elements, as numpy stores them. The bytes must fit the shape, else Error.
Tensor tensor_from_numpy(const Shape& shape, DType dtype, bool swapped, bool fortran, std::string_view bytes);

}  // namespace kiln::io
