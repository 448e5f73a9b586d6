#include <kiln/tensor/cuda/allocator.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <utility>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cuda/block_pool.h>
#include <kiln/tensor/cuda/check.h>
#include <kiln/tensor/cuda/context.h>
#include <kiln/tensor/cuda/devices.h>
#include <kiln/tensor/cuda/relaxed_capture.h>
#include <kiln/tensor/cuda/selected_device.h>

namespace kiln::cuda {
namespace {

constexpr int64_t kMiB = int64_t(1) << 20;
constexpr int64_t kRounding = 512;  // also the alignment that the driver gives and a coalesced access wants
constexpr int64_t kLargestSmall = kMiB, kSmallSegment = 2 * kMiB;
constexpr int64_t kLargestMiddle = 10 * kMiB, kMiddleSegment = 20 * kMiB;

int64_t round_up(int64_t bytes, int64_t unit) { return (bytes + unit - 1) / unit * unit; }

// Off, each allocation is one of the driver's, so that tools see its bounds and its end.
bool caches() {
  static const bool on = [] {
    const char* value = std::getenv("KILN_NO_CUDA_MEMORY_CACHING");
    return value == nullptr || *value == '\0' || *value == '0';
  }();
  return on;
}

int64_t segment_bytes(int64_t bytes) {
  if (!caches()) return bytes;
  if (bytes <= kLargestSmall) return kSmallSegment;
  return bytes < kLargestMiddle ? kMiddleSegment : round_up(bytes, kSmallSegment);
}

// A block that was released while other streams may still use it.
struct Pending {
  Block* block;
  std::vector<cudaEvent_t> events;
};

struct DeviceMemory {
  std::mutex mutex;
  // Small and large requests apart, so that small ones do not break up large segments.
  BlockPool small, large;
  std::vector<Pending> pending;
  MemoryStatistics statistics;
  uint64_t capturing = 0;  // the graph that is captured now, on capture_stream
  cudaStream_t capture_stream = nullptr, outside_stream = nullptr;
  uint64_t graphs = 0;

  BlockPool& pool_for(int64_t bytes) { return bytes <= kLargestSmall ? small : large; }
  std::pair<BlockPool*, Block*> find(const void* data) {
    for (BlockPool* pool : {&small, &large})
      if (Block* block = pool->find(data)) return {pool, block};
    return {nullptr, nullptr};
  }
  void put(Block* block) { find(block->data).first->put(block); }
};

// Never destroyed: tensors with static lifetime may be freed after it would be.
DeviceMemory& memory_of(Device device) {
  check_device(device);
  static auto* devices = new std::array<DeviceMemory, kMaxDevices>;
  return (*devices)[size_t(device.index)];
}

// Blocks whose other users are done become free; with `wait`, all of them.
void settle(DeviceMemory& memory, bool wait) {
  if (memory.capturing != 0) return;  // asking for an event is not allowed
  std::erase_if(memory.pending, [&](Pending& p) {
    for (const cudaEvent_t event : p.events) {
      if (wait) {
        CUDA_CHECK(cudaEventSynchronize(event));
        continue;
      }
      const cudaError_t state = cudaEventQuery(event);
      if (state == cudaErrorNotReady) {
        cudaGetLastError();
        return false;
      }
      CUDA_CHECK(state);
    }
    for (const cudaEvent_t event : p.events) CUDA_CHECK(cudaEventDestroy(event));
    memory.put(p.block);
    return true;
  });
}

cudaError_t give_back(DeviceMemory& memory) {
  cudaError_t first = cudaSuccess;
  for (BlockPool* pool : {&memory.small, &memory.large}) {
    for (const BlockPool::Segment& segment : pool->take_free_segments()) {
      const cudaError_t error = cudaFree(segment.data);
      if (first == cudaSuccess) first = error;
      memory.statistics.reserved_bytes -= segment.bytes;
      ++memory.statistics.driver_frees;
    }
  }
  return first;
}

void free_cached(DeviceMemory& memory) {
  settle(memory, true);
  CUDA_CHECK(give_back(memory));
}

// Without caching: what is free goes back at once, or after the capture that forbids it.
void free_uncached(DeviceMemory& memory) {
  if (!caches() && memory.capturing == 0) give_back(memory);  // a kernel's error stays, for the next call
}

std::string human(int64_t bytes) {
  constexpr double kUnit = 1024;
  if (bytes < kMiB) return fmt::format("{:.1f} KiB", double(bytes) / kUnit);
  if (bytes < 1024 * kMiB) return fmt::format("{:.1f} MiB", double(bytes) / kUnit / kUnit);
  return fmt::format("{:.2f} GiB", double(bytes) / kUnit / kUnit / kUnit);
}

int64_t used_bytes(const DeviceMemory& memory) {
  return memory.small.used_bytes() + memory.large.used_bytes();
}

[[noreturn]] void fail_out_of_memory(const DeviceMemory& memory, int64_t bytes, Device device) {
  size_t free = 0, total = 0;
  CUDA_CHECK(cudaMemGetInfo(&free, &total));
  const int64_t used = used_bytes(memory), reserved = memory.statistics.reserved_bytes;
  const int64_t others = std::max<int64_t>(0, int64_t(total) - int64_t(free) - reserved);
  const int64_t graphs = memory.small.graph_bytes() + memory.large.graph_bytes();
  fail(
      "cuda: out of memory on {}: {} asked, {} of {} free; tensors hold {}, the cache {} (largest block {}), "
      "graphs {} of these, other processes and libraries {}; use a smaller batch, or free what is not needed",
      device, human(bytes), human(int64_t(free)), human(int64_t(total)), human(used), human(reserved - used),
      human(std::max(memory.small.largest_free(), memory.large.largest_free())), human(graphs),
      human(others));
}

// One more segment from the driver.
void grow(DeviceMemory& memory, const CudaContext& ctx, uint64_t graph, int64_t bytes, int64_t asked) {
  const int64_t segment = segment_bytes(bytes);
  void* data = nullptr;
  cudaError_t error = cudaSuccess;
  {
    const RelaxedCapture relaxed;
    error = cudaMalloc(&data, size_t(segment));
  }
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    if (memory.capturing == 0) {
      free_cached(memory);
      error = cudaMalloc(&data, size_t(segment));
    }
    if (error == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      fail_out_of_memory(memory, asked, ctx.device);
    }
  }
  CUDA_CHECK(error);
  memory.pool_for(bytes).add(static_cast<char*>(data), segment, ctx.stream, graph);
  MemoryStatistics& s = memory.statistics;
  ++s.driver_allocations;
  s.reserved_bytes += segment;
  s.peak_reserved_bytes = std::max(s.peak_reserved_bytes, s.reserved_bytes);
}

}  // namespace

void* allocate(int64_t bytes, Device device) {
  constexpr int64_t kLargest = int64_t(1) << 48;
  if (bytes < 0 || bytes > kLargest) fail("allocate: {} bytes is not a possible size", bytes);
  if (bytes == 0) return nullptr;
  const CudaContext& ctx = CudaContext::of(device);
  DeviceMemory& memory = memory_of(device);
  const std::lock_guard lock(memory.mutex);
  settle(memory, false);
  free_uncached(memory);
  const int64_t rounded = caches() ? round_up(bytes, kRounding) : bytes;
  const uint64_t graph = ctx.stream == memory.capture_stream ? memory.capturing : 0;
  BlockPool& pool = memory.pool_for(rounded);
  Block* block = pool.take(ctx.stream, graph, rounded);
  if (block == nullptr) {
    if (graph == 0 || !pool.adopt(memory.outside_stream, rounded, ctx.stream, graph))
      grow(memory, ctx, graph, rounded, bytes);
    block = pool.take(ctx.stream, graph, rounded);
  }
  MemoryStatistics& s = memory.statistics;
  ++s.allocations;
  s.peak_allocated_bytes = std::max(s.peak_allocated_bytes, used_bytes(memory));
  return block->data;
}

void release(void* data, Device device) {
  if (data == nullptr) return;
  DeviceMemory& memory = memory_of(device);
  const std::lock_guard lock(memory.mutex);
  const auto [pool, block] = memory.find(data);
  if (block == nullptr) return;
  if (block->users.empty()) {
    pool->put(block);
    return free_uncached(memory);
  }
  const SelectedDevice selected(device);  // an event belongs to a device, and its stream must be of the same
  Pending pending{block, {}};
  for (cudaStream_t stream : block->users) {
    // What a graph does with the block is no event's business: the graph keeps its memory, and does not wait.
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    CUDA_CHECK_NOTHROW(cudaStreamIsCapturing(stream, &status));
    if (status != cudaStreamCaptureStatusNone) continue;
    cudaEvent_t event = nullptr;
    CUDA_CHECK_NOTHROW(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    CUDA_CHECK_NOTHROW(cudaEventRecord(event, stream));
    pending.events.push_back(event);
  }
  memory.pending.push_back(std::move(pending));
}

void record_stream(const void* data, Device device, CUstream_st* stream) {
  if (data == nullptr) return;
  DeviceMemory& memory = memory_of(device);
  const std::lock_guard lock(memory.mutex);
  Block* block = memory.find(data).second;
  if (block == nullptr) fail("record_stream: {} is not the beginning of memory of {}", data, device);
  if (stream == block->stream || std::ranges::find(block->users, stream) != block->users.end()) return;
  block->users.push_back(stream);
}

MemoryStatistics memory_statistics(Device device) {
  DeviceMemory& memory = memory_of(device);
  const std::lock_guard lock(memory.mutex);
  MemoryStatistics s = memory.statistics;
  s.allocated_bytes = used_bytes(memory);
  s.graph_bytes = memory.small.graph_bytes() + memory.large.graph_bytes();
  s.largest_free_block = std::max(memory.small.largest_free(), memory.large.largest_free());
  return s;
}

void reset_peak_memory(Device device) {
  DeviceMemory& memory = memory_of(device);
  const std::lock_guard lock(memory.mutex);
  memory.statistics.peak_allocated_bytes = used_bytes(memory);
  memory.statistics.peak_reserved_bytes = memory.statistics.reserved_bytes;
}

std::string memory_summary(Device device) {
  const MemoryStatistics s = memory_statistics(device);
  const SelectedDevice selected(device);
  size_t free = 0, total = 0;
  CUDA_CHECK(cudaMemGetInfo(&free, &total));
  const int64_t others = int64_t(total) - int64_t(free) - s.reserved_bytes;
  return fmt::format(
      "memory of {}          now         peak\n"
      "  tensors        {:>12} {:>12}\n"
      "  reserved       {:>12} {:>12}\n"
      "  cached         {:>12}              largest block {}\n"
      "  for graphs     {:>12}\n"
      "  others         {:>12}              {} of {} free\n"
      "  {} allocations, {} segments from the driver, {} given back\n",
      device, human(s.allocated_bytes), human(s.peak_allocated_bytes), human(s.reserved_bytes),
      human(s.peak_reserved_bytes), human(s.reserved_bytes - s.allocated_bytes), human(s.largest_free_block),
      human(s.graph_bytes), human(std::max<int64_t>(others, 0)), human(int64_t(free)), human(int64_t(total)),
      s.allocations, s.driver_allocations, s.driver_frees);
}

void empty_cache() {
  for (int i = 0; i < device_count(); ++i) {
    const Device device(DeviceType::cuda, i);
    DeviceMemory& memory = memory_of(device);
    const std::lock_guard lock(memory.mutex);
    if (memory.capturing != 0) fail("empty_cache: not while a graph is captured on {}", device);
    if (memory.statistics.reserved_bytes == 0) continue;
    const SelectedDevice selected(device);
    free_cached(memory);
  }
}

uint64_t begin_graph_memory(Device device, CUstream_st* stream, CUstream_st* outside) {
  DeviceMemory& memory = memory_of(device);
  const std::lock_guard lock(memory.mutex);
  if (memory.capturing != 0) fail("graph: another graph is being captured on {}", device);
  memory.capture_stream = stream;
  memory.outside_stream = outside;
  return memory.capturing = ++memory.graphs;
}

void end_graph_memory(Device device) {
  DeviceMemory& memory = memory_of(device);
  const std::lock_guard lock(memory.mutex);
  memory.capturing = 0;
  memory.capture_stream = nullptr;
}

void free_graph_memory(Device device, uint64_t graph, CUstream_st* stream) {
  if (stream == nullptr) stream = CudaContext::of(device).stream;
  DeviceMemory& memory = memory_of(device);
  const std::lock_guard lock(memory.mutex);
  memory.small.disown(graph, stream);
  memory.large.disown(graph, stream);
}

}  // namespace kiln::cuda
