#pragma once

#include <cstdint>
#include <string>

#include <kiln/tensor/device/device.h>

struct CUstream_st;

namespace kiln::cuda {

// A caching allocator in the order of streams: a freed block is handed out again on the stream it was
// allocated on, without waiting, because work on one stream runs in order. So a steady training step asks the
// driver for nothing and never waits. Memory comes from the driver in segments of 2 MiB (for requests up to 1
// MiB), 20 MiB (up to 10 MiB) or the request rounded up to 2 MiB, which are split and grown together again.
// Thread-safe. With KILN_NO_CUDA_MEMORY_CACHING=1 in the environment each allocation is one of the driver's,
// of exactly its bytes, and goes back at its release, waiting for the device: for memory checkers.

// Memory for work on this thread's current stream of the device, uninitialised, aligned to 512 bytes; nullptr
// for 0 bytes. When the driver has no more, the cached blocks are given back and it is asked again; then
// throws, saying who holds what. During the capture of a graph the memory is kept for the graph.
void* allocate(int64_t bytes, Device device);
void release(void* data, Device device);

// Tells that work on `stream` uses the memory too: after its release it is not handed out before the work
// that was submitted there until then is done. For memory that is used on another stream than it was
// allocated on.
void record_stream(const void* data, Device device, CUstream_st* stream);

struct MemoryStatistics {
  int64_t allocated_bytes = 0;  // of tensors, each rounded up to 512 bytes
  int64_t peak_allocated_bytes = 0;
  int64_t reserved_bytes = 0;  // from the driver: tensors, cached blocks and what is kept for graphs
  int64_t peak_reserved_bytes = 0;
  int64_t graph_bytes = 0;         // kept for captured graphs
  int64_t largest_free_block = 0;  // that needs no driver
  int64_t allocations = 0;         // calls of allocate, ever
  int64_t driver_allocations = 0;  // segments ever asked of the driver
  int64_t driver_frees = 0;
};
MemoryStatistics memory_statistics(Device device = DeviceType::cuda);
// The peaks start again from the present values.
void reset_peak_memory(Device device = DeviceType::cuda);
// A small table of the statistics, and of what the whole device has.
std::string memory_summary(Device device = DeviceType::cuda);

// Gives what is cached back to the driver, on all devices. Waits for them.
void empty_cache();

// Between the two calls memory that this thread allocates for `stream` belongs to a graph, which the number
// that begin_graph_memory returned names; it stays the graph's until free_graph_memory. It is what the cache
// holds for `outside`, whose work is done by then, before it is the driver's. For Graph.
uint64_t begin_graph_memory(Device device, CUstream_st* stream, CUstream_st* outside);
void end_graph_memory(Device device);
void free_graph_memory(Device device, uint64_t graph, CUstream_st* stream);

}  // namespace kiln::cuda
