#pragma once

#include <vector>

#include <kiln/tensor/tensor.h>

namespace kiln::tools {

// The elements in row-major order as doubles, two for a complex one.
std::vector<double> elements_of(const Tensor& x);

}  // namespace kiln::tools
