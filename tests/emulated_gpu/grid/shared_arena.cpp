#include "grid/shared_arena.h"

#include <cstring>

#include "options.h"
#include "sanitizer_hooks.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace kiln::emulated {
namespace {

constexpr size_t kRedZone = 32;
constexpr size_t kAlignment = 128;
constexpr int kPoison = 0xff;  // NaN in every floating type

size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

}  // namespace

void SharedArena::begin(size_t dynamic_bytes, uint64_t block, unsigned threads) {
  const size_t dynamic = round_up(dynamic_bytes + kRedZone, kAlignment);
  const size_t need = dynamic + size_t{2} * kStaticSharedBytes;  // twice: room for the red zones
#ifdef __SANITIZE_ADDRESS__
  if (!memory_.empty()) __asan_unpoison_memory_region(memory_.data(), memory_.size());
#endif
  if (memory_.size() < need) memory_ = std::vector<char>(need);
#ifdef __SANITIZE_ADDRESS__
  __asan_poison_memory_region(memory_.data(), memory_.size());
#endif
  if (sanitizer.block_begin) sanitizer.block_begin(block, threads, memory_.data(), memory_.size());
  slots_.clear();
  used_ = dynamic;
  static_bytes_ = 0;
  if (dynamic_bytes) open(0, dynamic_bytes);
}

void SharedArena::open(size_t offset, size_t bytes) {
  char* p = memory_.data() + offset;
#ifdef __SANITIZE_ADDRESS__
  __asan_unpoison_memory_region(p, bytes);
#endif
  std::memset(p, options().poison ? kPoison : 0, bytes);
  if (sanitizer.shared_range) sanitizer.shared_range(p, bytes);
}

void* SharedArena::object(const void* tag, size_t bytes, size_t alignment) {
  for (const Slot& slot : slots_)
    if (slot.tag == tag) return memory_.data() + slot.offset;
  static_bytes_ = round_up(static_bytes_, alignment) + bytes;
  if (static_bytes_ > size_t(kStaticSharedBytes)) return nullptr;
  const size_t offset = round_up(used_, alignment);
  if (offset + bytes + kRedZone > memory_.size()) return nullptr;
  used_ = offset + bytes + kRedZone;
  slots_.push_back({tag, offset});
  open(offset, bytes);
  return memory_.data() + offset;
}

}  // namespace kiln::emulated
