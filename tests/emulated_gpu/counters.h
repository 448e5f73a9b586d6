#pragma once

#include <cstdint>

namespace kiln::emulated {

// What the host has asked of the emulated devices since the last reset. A captured graph counts when it is
// launched, as one launch; its kernels count as `kernels`.
struct Counters {
  uint64_t launches = 0;          // of kernels and graphs, by the host
  uint64_t kernels = 0;           // that ran
  uint64_t copies = 0;            // asked for, of any kind, with fills
  uint64_t synchronizations = 0;  // calls that wait for the device, whether or not it was still busy
  uint64_t allocations = 0;  // from the driver: cudaMalloc, cudaMallocHost, cudaMallocAsync and their kin
  uint64_t frees = 0;
};

Counters counters();
void reset_counters();

}  // namespace kiln::emulated
