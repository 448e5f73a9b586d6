#pragma once

#include <kiln/autograd/listener.h>

// Internal: what a call of an op must at least move and compute.

namespace kiln::profile {

struct Work {
  int64_t bytes = 0, flop = 0;
};

// Operands read and results written once, whatever the cache does; products and sums by formula for matrix
// products and convolutions, else one for each element of the largest tensor. A view moves and computes
// nothing; copies and factories compute nothing. docs/profiling.md tells it to users.
Work work_of(const autograd::OpCall& call);

}  // namespace kiln::profile
