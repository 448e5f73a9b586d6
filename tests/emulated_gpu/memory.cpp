#include "memory.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>

#include "fault.h"
#include "options.h"
#include "sanitizer_hooks.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace kiln::emulated {
namespace {

constexpr uintptr_t kBase = 0x700000000000;  // far from where Linux puts heaps, stacks and libraries
constexpr size_t kArena = size_t{1} << 40;   // of addresses; nothing is backed before it is allocated
constexpr size_t kPage = 4096;
constexpr size_t kGrain = 256;           // alignment of cudaMalloc
constexpr unsigned char kPoison = 0xff;  // NaN in every floating type

size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

struct Arena {
  std::map<uintptr_t, Allocation> allocations;  // also those that were released: to name them
  std::set<uintptr_t> live;
  std::map<int, size_t> in_use;
  uintptr_t end = kBase;
  int open = 0;

  Arena() {
    mmap(reinterpret_cast<void*>(kBase), kArena, PROT_NONE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  }
};

Arena& arena() {
  static Arena a;
  return a;
}

// Held by every function below that host code calls: the libraries check the memory they are given outside of
// the runtime's lock, while another thread may allocate. A fault can come while it is held, and is described
// then.
std::recursive_mutex& mutex() {
  static std::recursive_mutex m;
  return m;
}
using Lock = std::lock_guard<std::recursive_mutex>;

// The pages of an allocation; it ends within the last kGrain bytes of them.
uintptr_t first_page(const Allocation& a) { return a.address / kPage * kPage; }
uintptr_t end_of_pages(const Allocation& a) { return round_up(a.address + a.bytes, kPage); }

void protect(const Allocation& a, int protection) {
  mprotect(reinterpret_cast<void*>(first_page(a)), end_of_pages(a) - first_page(a), protection);
}

void protect_all(int protection) {
  for (const uintptr_t address : arena().live) protect(arena().allocations.at(address), protection);
}

const Allocation* nearest_below(uintptr_t p) {
  auto it = arena().allocations.upper_bound(p);
  return it == arena().allocations.begin() ? nullptr : &std::prev(it)->second;
}

void poison_fresh(const Allocation& a) {
  auto* pages = reinterpret_cast<void*>(first_page(a));
  if (options().poison) std::memset(pages, kPoison, end_of_pages(a) - first_page(a));
#ifdef __SANITIZE_ADDRESS__
  __asan_poison_memory_region(pages, end_of_pages(a) - first_page(a));
  __asan_unpoison_memory_region(reinterpret_cast<void*>(a.address), a.bytes);
#endif
  if (sanitizer.device_range) sanitizer.device_range(reinterpret_cast<void*>(a.address), a.bytes);
}

// Gives the pages back; the addresses stay reserved and closed.
void close_forever(Allocation& a) {
  a.live = false;
  arena().live.erase(a.address);
  arena().in_use[a.device] -= a.bytes;
  if (sanitizer.device_release) sanitizer.device_release(reinterpret_cast<void*>(a.address));
  mmap(reinterpret_cast<void*>(first_page(a)), end_of_pages(a) - first_page(a), PROT_NONE,
       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

std::map<uintptr_t, size_t>& pinned_ranges() {
  static std::map<uintptr_t, size_t> ranges;
  return ranges;
}

}  // namespace

void* allocate_device(size_t bytes, int device) {
  const Lock lock(mutex());
  Arena& all = arena();
  const size_t pages = round_up(round_up(bytes, kGrain), kPage);
  if (all.in_use[device] + bytes > options().memory || all.end + pages + kPage > kBase + kArena)
    return nullptr;
  const Allocation a{all.end + pages - round_up(bytes, kGrain), bytes, device, true};
  all.end += pages + kPage;
  all.in_use[device] += bytes;
  protect(a, PROT_READ | PROT_WRITE);
  poison_fresh(a);
  if (options().protect && !all.open) protect(a, PROT_NONE);
  all.allocations[a.address] = a;
  all.live.insert(a.address);
  watch_faults();
  return reinterpret_cast<void*>(a.address);
}

bool release_device(const void* p) {
  const Lock lock(mutex());
  auto it = arena().allocations.find(reinterpret_cast<uintptr_t>(p));
  if (it == arena().allocations.end() || !it->second.live) return false;
  close_forever(it->second);
  return true;
}

void release_all_devices() {
  const Lock lock(mutex());
  for (auto& [address, a] : arena().allocations)
    if (a.live) close_forever(a);
}

bool is_device_address(const void* p) {
  const auto address = reinterpret_cast<uintptr_t>(p);
  return address >= kBase && address < kBase + kArena;
}

const Allocation* device_allocation(const void* p, size_t bytes) {
  const Lock lock(mutex());
  return device_allocation_in_kernel(p, bytes);
}

const Allocation* device_allocation_in_kernel(const void* p, size_t bytes) {
  const auto address = reinterpret_cast<uintptr_t>(p);
  const Allocation* a = nearest_below(address);
  return a && a->live && address + bytes <= a->address + a->bytes ? a : nullptr;
}

size_t device_bytes_in_use(int device) {
  const Lock lock(mutex());
  return arena().in_use[device];
}

std::string describe_address(const void* p) {
  const Lock lock(mutex());
  const auto address = reinterpret_cast<uintptr_t>(p);
  if (!is_device_address(p)) return "not device memory";
  const Allocation* below = nearest_below(address);
  const auto above = arena().allocations.upper_bound(address);
  const auto tell = [](size_t n, const char* relation, const Allocation& a) {
    return std::to_string(n) + " bytes " + relation + (a.live ? " a live" : " a FREED") + " allocation of " +
           std::to_string(a.bytes) + " bytes";
  };
  if (below && address < below->address + below->bytes) return tell(address - below->address, "into", *below);
  if (above != arena().allocations.end() && address >= first_page(above->second))
    return tell(above->first - address, "before", above->second);
  if (below) return tell(address - below->address - below->bytes, "past the end of", *below);
  return "device memory that was never allocated";
}

std::string check_red_zones() {
  if (!options().poison) return "";
  const Lock lock(mutex());
#ifndef __SANITIZE_ADDRESS__     // it has seen the write itself, and would see this read
  constexpr size_t kFront = 64;  // enough for an index of -1 in any type
  for (const uintptr_t address : arena().live) {
    const Allocation& a = arena().allocations.at(address);
    const uintptr_t from = std::max(first_page(a), address - kFront), to = end_of_pages(a);
    for (uintptr_t p = from; p < to; ++p) {
      if (p == address) p = address + a.bytes;
      if (p < to && *reinterpret_cast<const unsigned char*>(p) != kPoison)
        return "something was written " + describe_address(reinterpret_cast<const void*>(p));
    }
  }
#endif
  return "";
}

DeviceAccess::DeviceAccess() {
  const Lock lock(mutex());
  if (arena().open++ == 0 && options().protect) protect_all(PROT_READ | PROT_WRITE);
}

DeviceAccess::~DeviceAccess() {
  const Lock lock(mutex());
  if (--arena().open > 0 || !options().protect) return;
  protect_all(PROT_NONE);
  watch_faults();
}

void* allocate_pinned(size_t bytes) {
  void* p = std::aligned_alloc(kPage, round_up(bytes ? bytes : 1, kPage));
  if (!p) return nullptr;
  std::memset(p, kPoison, bytes);
  const Lock lock(mutex());
  pinned_ranges()[reinterpret_cast<uintptr_t>(p)] = bytes;
  return p;
}

bool release_pinned(const void* p) {
  const Lock lock(mutex());
  if (!unregister_pinned(p)) return false;
  std::free(const_cast<void*>(p));
  return true;
}

bool register_pinned(const void* p, size_t bytes) {
  const Lock lock(mutex());
  return pinned_ranges().emplace(reinterpret_cast<uintptr_t>(p), bytes).second;
}

bool unregister_pinned(const void* p) {
  const Lock lock(mutex());
  return pinned_ranges().erase(reinterpret_cast<uintptr_t>(p)) > 0;
}

bool is_pinned(const void* p) {
  const Lock lock(mutex());
  const auto address = reinterpret_cast<uintptr_t>(p);
  auto it = pinned_ranges().upper_bound(address);
  if (it == pinned_ranges().begin()) return false;
  --it;
  return address < it->first + it->second;
}

}  // namespace kiln::emulated
