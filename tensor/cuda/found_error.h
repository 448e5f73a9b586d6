#pragma once

#include <cstdint>

namespace kiln::cuda {

// What kernels find wrong in their data: an index out of range, an integer divided by zero. The kernel writes
// it into memory that the host reads (<kiln/kernels/base/cuda/found_error.cuh>) and goes on with some
// harmless value; nothing waits for it on the step's path. The thread that launched the kernel throws it
// where it waits for a device anyway; of a replayed graph, a thread that replayed it.
struct FoundError {
  int32_t lock;
  int32_t found;
  const char* message;  // of the host, with places for the numbers (<kiln/tensor/device/found.h>)
  int64_t value;        // the offending value
  int64_t at;           // where it stands; of several in one kernel the first is kept
  int64_t last;         // the largest value that would have been right
};

// The place that the kernels which this thread launches write to, on all devices: pinned memory, made on the
// first call.
FoundError* found_error();

// Throws what this thread's kernels have found since its last call, if anything. For use after the host has
// waited.
void throw_found_error();

}  // namespace kiln::cuda
