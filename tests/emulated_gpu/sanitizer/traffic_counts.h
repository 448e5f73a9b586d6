#pragma once

#include <cstdint>

namespace kiln::emulated {

// What the accesses of kernels cost, on the scale of a GPU. For tests; part of the sanitizer.
struct TrafficCounts {
  uint64_t requests = 0;          // to global memory, by a warp at a time
  uint64_t sectors = 0;           // of 32 bytes that they touch
  uint64_t ideal_sectors = 0;     // that their bytes would fill
  uint64_t distinct_sectors = 0;  // read at all and written at all: what a cache of any size would still move
  uint64_t bytes = 0;             // asked for
  uint64_t wide_bytes = 0;        // of these, by accesses of 16 bytes
  uint64_t passes = 0;            // over the banks of shared memory
  uint64_t ideal_passes = 0;      // without conflicts
};

// Counts what kernels do from now on, from zero.
void start_counting_traffic();
TrafficCounts stop_counting_traffic();

}  // namespace kiln::emulated
