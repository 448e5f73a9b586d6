#pragma once

#include <kiln/autograd/ops_nn.h>

// Internal, for the sources of nn: values as Python prints them.

namespace kiln::nn {

std::string repr(bool value);
std::string repr(Pair pair);  // "(3, 3)"
// The shortest digits that give the number back: 1e-05, 0.1, 1.0.
std::string repr(double value);
std::string repr(const Shape& shape);  // "(8,)", "(3, 4)"
// One number when both are equal, as PyTorch's pooling layers print what was given as one.
std::string repr_short(Pair pair);

}  // namespace kiln::nn
