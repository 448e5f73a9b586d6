#pragma once

// What code of a kernel calls. Between a kernel's source and the block scheduler; included by every .cu file.

#include <cstddef>
#include <cstdint>

#include "location.h"

namespace kiln::emulated {

// A GPU thread as its own code sees it.
struct ThreadView {
  uint3 index;  // threadIdx
  unsigned linear, lane, warp;
};

// Of the GPU thread that runs on this thread of the host; null outside of kernels. __thread and not
// thread_local: a plain load, with no wrapper that initialises.
extern __thread ThreadView* current_thread;
extern __thread uint3 current_block;
extern __thread uint3 block_size;
extern __thread uint3 grid_size;

enum class Barrier : uint8_t { sync, count, all, any };
int barrier(Barrier kind, int predicate, Location where);

// A warp collective: waits for all lanes of the mask, which must come to the same line. Each gives 8 bytes
// and gets, by kind: the bytes of lane `source`; the mask of lanes whose value is odd; the mask of lanes with
// an equal value.
enum class WarpOp : uint8_t { sync, shuffle, ballot, match, run };
uint64_t warp_operation(WarpOp kind, unsigned mask, uint64_t value, int source, Location where);

// The last lane to arrive runs f on the pointers that the lanes gave (null for lanes outside of the mask).
void warp_collective(unsigned mask, void* mine, void (*f)(void* lanes[32]), Location where);

unsigned active_lanes();

// The block's object with this tag, uninitialised (all ones) in each new block.
void* shared_memory(const void* tag, size_t bytes, size_t alignment);
void* dynamic_shared_memory();

// An access of the dialect. Checks its alignment; tells the sanitizer, if there is one.
void check_access(const void* p, size_t bytes, bool write);

// Ends the kernel with an error.
[[noreturn]] void device_fail(const char* why, Location where);

}  // namespace kiln::emulated
