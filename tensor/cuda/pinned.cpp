#include <kiln/tensor/cuda/pinned.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include <kiln/tensor/cuda/check.h>
#include <kiln/tensor/cuda/context.h>
#include <kiln/tensor/cuda/selected_device.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::cuda {
namespace {

constexpr uint64_t kSmallest = 4096;  // a page
constexpr int kClasses = 64;

struct PinnedBlock {
  uint64_t bytes = 0;
  std::vector<cudaEvent_t> uses;  // ends of copies
};

struct PinnedPool {
  std::mutex mutex;
  std::map<const char*, PinnedBlock> used;
  std::array<std::vector<char*>, kClasses> idle;  // by log2 of the size
  std::map<const char*, PinnedBlock> busy;        // released, maybe still copied
  PinnedStatistics statistics;
};

// Never destroyed: tensors with static lifetime may be freed after it would be.
PinnedPool& pinned_pool() {
  static auto* pool = new PinnedPool;
  return *pool;
}

int class_of(uint64_t bytes) { return std::countr_zero(bytes); }

// Its events are gone then.
bool is_free(const PinnedBlock& block) {
  for (const cudaEvent_t event : block.uses)
    if (cudaEventQuery(event) != cudaSuccess) {
      cudaGetLastError();
      return false;
    }
  for (const cudaEvent_t event : block.uses) CUDA_CHECK_NOTHROW(cudaEventDestroy(event));
  return true;
}

void settle(PinnedPool& pool) {
  std::erase_if(pool.busy, [&](const auto& entry) {
    if (!is_free(entry.second)) return false;
    pool.idle[size_t(class_of(entry.second.bytes))].push_back(const_cast<char*>(entry.first));
    return true;
  });
}

PinnedBlock* block_at(PinnedPool& pool, const void* data) {
  const char* address = static_cast<const char*>(data);
  auto after = pool.used.upper_bound(address);
  if (after == pool.used.begin()) return nullptr;
  --after;
  return address < after->first + after->second.bytes ? &after->second : nullptr;
}

}  // namespace

void* allocate_pinned(int64_t bytes) {
  constexpr int64_t kLargest = int64_t(1) << 48;
  if (bytes < 0 || bytes > kLargest) fail("pinned memory: {} bytes is not a possible size", bytes);
  const uint64_t size = std::bit_ceil(std::max<uint64_t>(uint64_t(bytes), kSmallest));
  PinnedPool& pool = pinned_pool();
  const std::lock_guard lock(pool.mutex);
  std::vector<char*>& idle = pool.idle[size_t(class_of(size))];
  if (idle.empty()) settle(pool);
  char* data = nullptr;
  if (!idle.empty()) {
    data = idle.back();
    idle.pop_back();
  } else {
    CudaContext::current();
    void* fresh = nullptr;
    CUDA_CHECK(cudaHostAlloc(&fresh, size, cudaHostAllocDefault));
    data = static_cast<char*>(fresh);
    ++pool.statistics.system_allocations;
    pool.statistics.held_bytes += int64_t(size);
  }
  pool.used[data].bytes = size;
  return data;
}

void release_pinned(void* data) {
  PinnedPool& pool = pinned_pool();
  const std::lock_guard lock(pool.mutex);
  auto node = pool.used.extract(static_cast<const char*>(data));
  if (node.empty()) return;
  if (node.mapped().uses.empty())
    pool.idle[size_t(class_of(node.mapped().bytes))].push_back(static_cast<char*>(data));
  else
    pool.busy.insert(std::move(node));
}

bool is_pinned(const void* data) {
  PinnedPool& pool = pinned_pool();
  const std::lock_guard lock(pool.mutex);
  return block_at(pool, data) != nullptr;
}

bool is_page_locked(const void* data) {
  if (is_pinned(data)) return true;
  cudaPointerAttributes found{};
  CUDA_CHECK(cudaPointerGetAttributes(&found, data));
  return found.type != cudaMemoryTypeUnregistered;
}

void record_pinned_use(const void* data, Device device, CUstream_st* stream) {
  PinnedPool& pool = pinned_pool();
  const std::lock_guard lock(pool.mutex);
  PinnedBlock* block = block_at(pool, data);
  if (block == nullptr) return;
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  CUDA_CHECK(cudaStreamIsCapturing(stream, &status));
  if (status != cudaStreamCaptureStatusNone) return;  // whoever captures a copy keeps its memory
  const SelectedDevice selected(device);  // an event belongs to a device, and its stream must be of the same
  cudaEvent_t event = nullptr;
  CUDA_CHECK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  block->uses.push_back(event);
  CUDA_CHECK(cudaEventRecord(event, stream));
}

void empty_pinned_cache() {
  PinnedPool& pool = pinned_pool();
  const std::lock_guard lock(pool.mutex);
  settle(pool);
  for (int i = 0; i < kClasses; ++i) {
    for (char* data : pool.idle[size_t(i)]) {
      CUDA_CHECK(cudaFreeHost(data));
      pool.statistics.held_bytes -= int64_t(1) << i;
    }
    pool.idle[size_t(i)].clear();
  }
}

PinnedStatistics pinned_statistics() {
  PinnedPool& pool = pinned_pool();
  const std::lock_guard lock(pool.mutex);
  return pool.statistics;
}

Tensor empty_pinned(const Shape& shape, DType dtype) {
  const Layout layout = Layout::contiguous(shape);
  const int64_t bytes = layout.numel() * size_of(dtype);
  void* data = allocate_pinned(bytes);
  return from_storage(Storage::adopt(data, bytes, cpu, data, release_pinned), dtype, layout);
}

Tensor pin_memory(const Tensor& x) {
  if (!x.defined()) fail("pin_memory: the tensor is undefined");
  if (!x.device().is_cpu())
    fail("pin_memory: the tensor is on {}, only memory of the CPU can be pinned", x.device());
  Tensor pinned = empty_pinned(x.shape(), x.dtype());
  const int64_t size = size_of(x.dtype());
  auto* to = static_cast<char*>(pinned.raw_data());
  const auto* from = static_cast<const char*>(x.raw_data());
  if (x.is_contiguous()) {
    if (x.numel() > 0) std::memcpy(to, from, size_t(x.numel() * size));
    return pinned;
  }
  for_each_offset(x.layout(), [&](int64_t offset) {
    std::memcpy(to, from + offset * size, size_t(size));
    to += size;
  });
  return pinned;
}

}  // namespace kiln::cuda
