#pragma once

#include <kiln/io/pickle.h>
#include <kiln/tensor/tensor.h>

namespace kiln::io {

// Is the node a numpy array as numpy's pickles build it?
bool is_numpy_array(const PickleGraph& graph, PickleGraph::Id id);

// A copy of it. An array in Fortran order keeps its strides; big-endian elements are swapped. Throws for
// object and structured arrays, types that no dtype holds, and sizes that do not fit the bytes.
Tensor numpy_array(const PickleGraph& graph, PickleGraph::Id id);

}  // namespace kiln::io
