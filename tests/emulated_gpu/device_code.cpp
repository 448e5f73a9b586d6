#include <cuda_runtime.h>

#include "device_code.h"

#include "gpu_grid.cuh"
#include "grid/block.h"
#include "sanitizer_hooks.h"

namespace kiln::emulated {

int barrier(Barrier kind, int predicate, Location where) {
  return current_runner->wait_barrier(kind, predicate, where);
}

void grid_barrier(Location where) { current_runner->wait_grid(where); }

uint64_t warp_operation(WarpOp kind, unsigned mask, uint64_t value, int source, Location where) {
  return current_runner->wait_warp(kind, mask, value, source & 31, nullptr, nullptr, where);
}

void warp_collective(unsigned mask, void* mine, void (*f)(void* lanes[32]), Location where) {
  current_runner->wait_warp(WarpOp::run, mask, 0, 0, mine, f, where);
}

// Threads run one by one, so no more than the calling lane can be said to be active.
unsigned active_lanes() { return 1u << current_thread->lane; }

void* shared_memory(const void* tag, size_t bytes, size_t alignment) {
  void* p = current_runner->shared().object(tag, bytes, alignment);
  if (!p) device_fail("more than 48 KiB of static shared memory", {});
  return p;
}

void* dynamic_shared_memory() { return current_runner->shared().dynamic(); }

void check_access(const void* p, size_t bytes, bool write) {
  if (!current_runner) return;
  if (sanitizer.access) sanitizer.access(p, bytes, write, __builtin_return_address(0));
  if (reinterpret_cast<uintptr_t>(p) % bytes)
    current_runner->fail_here(
        cudaErrorMisalignedAddress,
        "misaligned address: " + std::to_string(bytes) + " bytes " + (write ? "written to " : "read from ") +
            std::to_string(reinterpret_cast<uintptr_t>(p) % bytes) + " bytes past a multiple of that",
        {});
}

void device_fail(const char* why, Location where) {
  current_runner->fail_here(cudaErrorLaunchFailure, why, where);
}

}  // namespace kiln::emulated
