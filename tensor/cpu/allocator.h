#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

// Internal.

namespace kiln::host {

// A caching allocator: freed blocks are kept by size class and handed out again, large ones also to requests
// of half their size, so a steady training step asks the system for nothing. Blocks are aligned to 64 bytes;
// from 2 MiB on they are aligned to 2 MiB and ask for huge pages. Small blocks are cached per thread, others
// in one shared pool. Thread-safe.
void* allocate(int64_t bytes);
void release(void* data, int64_t bytes);

// For containers that are large, short-lived and made again and again.
template <class T>
struct Allocator {
  using value_type = T;
  Allocator() = default;
  template <class U>
  Allocator(const Allocator<U>&) {}
  T* allocate(size_t count) { return static_cast<T*>(host::allocate(int64_t(count * sizeof(T)))); }
  void deallocate(T* data, size_t count) { release(data, int64_t(count * sizeof(T))); }
  bool operator==(const Allocator&) const { return true; }
};
template <class T>
using Vector = std::vector<T, Allocator<T>>;

struct MemoryStatistics {
  int64_t system_allocations = 0;  // blocks ever asked of the system
  int64_t held_bytes = 0;          // now held from the system, cached blocks included
};
MemoryStatistics memory_statistics();

// Gives the shared pool's cached blocks, and this thread's, back to the system.
void empty_cache();

}  // namespace kiln::host
