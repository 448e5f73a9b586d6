#pragma once

#include <cstdint>

#include <kiln/tensor/tensor.h>

struct CUstream_st;

namespace kiln::cuda {

// Page-locked host memory, from and to which the device copies by itself while the host goes on. Blocks are
// powers of two from 4 KiB on and are cached: page-locking costs milliseconds. One that is released while a
// copy still uses it is handed out again after that copy only. Thread-safe.
void* allocate_pinned(int64_t bytes);
void release_pinned(void* data);
// Whether the address lies in memory of allocate_pinned.
bool is_pinned(const void* data);
// Whether the device copies from or to it by itself: memory of allocate_pinned, and what others have
// page-locked.
bool is_page_locked(const void* data);
// Tells that the work submitted to `stream` of `device` so far reads or writes the pinned memory.
void record_pinned_use(const void* data, Device device, CUstream_st* stream);

// Gives the cached blocks that no copy uses back to the system.
void empty_pinned_cache();

struct PinnedStatistics {
  int64_t held_bytes = 0;  // page-locked now, cached blocks included
  int64_t system_allocations = 0;
};
PinnedStatistics pinned_statistics();

// A copy of a CPU tensor, of the same shape and dtype and contiguous, in pinned memory. The source of an
// asynchronous copy to the device.
Tensor pin_memory(const Tensor& x);
// Pinned memory for a result of that shape, uninitialised.
Tensor empty_pinned(const Shape& shape, DType dtype);

}  // namespace kiln::cuda
