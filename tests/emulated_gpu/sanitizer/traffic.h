#pragma once

#include <cstddef>
#include <cstdint>

namespace kiln::emulated {

// Counts what the accesses of a warp cost: 32-byte sectors of global memory, passes over the banks of shared
// memory, by line of the source. On with KILN_GPU_TRAFFIC=1; the table comes at the end of the program.
bool traffic_is_counted();
void count_access(uint32_t place, uintptr_t address, size_t bytes, bool write, bool shared, unsigned warp,
                  unsigned lane);
void end_block_of_traffic();

}  // namespace kiln::emulated
