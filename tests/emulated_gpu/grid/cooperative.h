#pragma once

#include "grid/block.h"

namespace kiln::emulated {

// Runs a launch whose blocks wait for each other: all are alive at once, each goes on until the next barrier
// of the grid, in a random order.
Failure run_cooperative(const BlockWork& work, std::mt19937_64& random);

// Blocks that a processor holds, and all of the device.
int blocks_of_processor(int threads, size_t dynamic_shared_bytes);
uint64_t blocks_at_once(dim3 block, size_t dynamic_shared_bytes);

}  // namespace kiln::emulated
