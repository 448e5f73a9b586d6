#include <kiln/tensor/cpu/allocator.h>

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <kiln/tensor/base/fail.h>

namespace kiln::host {
namespace {

constexpr uint64_t kAlignment = 64, kHugePage = uint64_t(2) << 20;
constexpr int kClasses = 256;
// Classes below this one (blocks up to 64 KiB) are cached per thread, each list up to kThreadBlocks long.
constexpr int kThreadClasses = 44;
constexpr size_t kThreadBlocks = 64;
// A request of the others takes a cached block of up to twice its size rather than a new one: a server's
// batches of 1 to 32 hold what those of 32 need, not the sum over all sizes.
constexpr int kNearClasses = 4;

// Four classes to each power of two: at most 25 % of a block is wasted.
struct SizeClass {
  int index;
  uint64_t bytes;
};

SizeClass class_of(int64_t bytes) {
  const uint64_t units = (uint64_t(bytes) + kAlignment - 1) / kAlignment;
  if (units <= 4) return {int(units), std::max<uint64_t>(units, 1) * kAlignment};
  const int log = std::bit_width(units - 1) - 1;  // 2^log < units <= 2^(log + 1)
  const uint64_t quarter = uint64_t(1) << (log - 2), base = uint64_t(1) << log;
  const uint64_t quarters = (units - base + quarter - 1) / quarter;
  return {4 * (log - 1) + int(quarters), (base + quarters * quarter) * kAlignment};
}

std::atomic<int64_t> system_allocations, held_bytes;

void free_block(void* block, uint64_t bytes) {
  std::free(block);
  held_bytes -= int64_t(bytes);
}

struct FreeList {
  std::vector<void*> blocks;
  uint64_t bytes = 0;
};

struct SharedPool {
  std::mutex mutex;
  std::array<FreeList, kClasses> lists;
  std::unordered_map<void*, int> lent;  // blocks that are larger than who has them knows, and their class

  void* take(const SizeClass& size) {
    const std::lock_guard lock(mutex);
    const int last =
        size.index < kThreadClasses ? size.index : std::min(size.index + kNearClasses, kClasses - 1);
    for (int index = size.index; index <= last; ++index) {
      if (lists[index].blocks.empty()) continue;
      void* block = lists[index].blocks.back();
      if (index != size.index) lent.emplace(block, index);
      lists[index].blocks.pop_back();
      return block;
    }
    return nullptr;
  }
  void put(void* block, const SizeClass& size) {
    const std::lock_guard lock(mutex);
    if (const auto found = lent.empty() ? lent.end() : lent.find(block); found != lent.end()) {
      lists[found->second].blocks.push_back(block);
      lent.erase(found);
      return;
    }
    lists[size.index].bytes = size.bytes;
    lists[size.index].blocks.push_back(block);
  }
  void clear() {
    const std::lock_guard lock(mutex);
    for (FreeList& list : lists) {
      for (void* block : list.blocks) free_block(block, list.bytes);
      list.blocks.clear();
    }
  }
};

// Never destroyed: tensors with static lifetime may be freed after it would be. A child of fork() finds it
// unlocked, whatever other threads of its parent did.
SharedPool& shared_pool() {
  static auto* pool = [] {
    pthread_atfork([] { shared_pool().mutex.lock(); }, [] { shared_pool().mutex.unlock(); },
                   [] { shared_pool().mutex.unlock(); });
    return new SharedPool;
  }();
  return *pool;
}

struct ThreadCache {
  std::array<FreeList, kThreadClasses> lists;
  void clear() {
    for (int i = 0; i < kThreadClasses; ++i) {
      for (void* block : lists[i].blocks) shared_pool().put(block, {i, lists[i].bytes});
      lists[i].blocks.clear();
    }
  }
  ~ThreadCache();
};

thread_local bool thread_cache_gone = false;
thread_local ThreadCache thread_cache;

ThreadCache::~ThreadCache() {
  clear();
  thread_cache_gone = true;
}

void* from_system(uint64_t bytes) {
  const bool huge = bytes >= kHugePage;
  const uint64_t alignment = huge ? kHugePage : kAlignment;
  const uint64_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* block = std::aligned_alloc(alignment, rounded);
  if (block == nullptr) {
    empty_cache();
    block = std::aligned_alloc(alignment, rounded);
  }
  if (block == nullptr)
    fail("allocate: out of memory: {} bytes asked, {} bytes held by tensors", bytes, held_bytes.load());
  if (huge) madvise(block, rounded, MADV_HUGEPAGE);
  ++system_allocations;
  held_bytes += int64_t(bytes);
  return block;
}

}  // namespace

void* allocate(int64_t bytes) {
  if (bytes < 0 || bytes > (int64_t(1) << 48)) fail("allocate: {} bytes is not a possible size", bytes);
  const SizeClass size = class_of(bytes);
  if (size.index < kThreadClasses && !thread_cache_gone) {
    std::vector<void*>& blocks = thread_cache.lists[size.index].blocks;
    if (!blocks.empty()) {
      void* block = blocks.back();
      blocks.pop_back();
      return block;
    }
  }
  if (void* block = shared_pool().take(size)) return block;
  return from_system(size.bytes);
}

void release(void* data, int64_t bytes) {
  const SizeClass size = class_of(bytes);
  if (size.index < kThreadClasses && !thread_cache_gone) {
    FreeList& list = thread_cache.lists[size.index];
    if (list.blocks.size() < kThreadBlocks) {
      list.bytes = size.bytes;
      list.blocks.push_back(data);
      return;
    }
  }
  shared_pool().put(data, size);
}

MemoryStatistics memory_statistics() { return {system_allocations.load(), held_bytes.load()}; }

void empty_cache() {
  if (!thread_cache_gone) thread_cache.clear();
  shared_pool().clear();
}

}  // namespace kiln::host
