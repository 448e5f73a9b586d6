#pragma once

#include <kiln/tensor/base/pair.h>

// Internal: what convolutions and poolings ask of their options.

namespace kiln::kernels {

// Throws "conv2d: stride must be at least 1, got (0, 0)" for a number below `least`, or above what the 32
// bits hold that the libraries count in; so the products of a few of them stay within int64.
void check_option(const char* op, const char* name, Pair value, int64_t least);

}  // namespace kiln::kernels
