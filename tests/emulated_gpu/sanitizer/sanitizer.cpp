#include "sanitizer.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "../memory.h"
#include "../sanitizer_hooks.h"
#include "grid/block.h"
#include "report.h"
#include "shadow.h"
#include "traffic.h"

namespace kiln::emulated {
namespace {

// The block that has some shared memory now.
struct Block {
  Shadow shared;
  std::vector<uint8_t> usable;  // bytes of shared memory
  uintptr_t shared_base = 0;
  size_t shared_bytes = 0;
  uint32_t run = 0;
  uint64_t number = 0;
  uint16_t time = 1;
  std::vector<uint16_t> warp_time;
};

struct State {
  std::map<uintptr_t, Shadow> global;  // by the start of the allocation
  std::map<const void*, Block> blocks;
  Block* block = nullptr;  // that runs
  uint32_t run = 0;        // launches and barriers of a grid
  uint32_t block_runs = 0;
  bool active = false;
  std::string first_problem;
};

State& state() {
  static auto* s = new State;
  return *s;
}

bool wants_uninitialized() {
  static const bool on = [] {
    const char* text = std::getenv("KILN_GPU_UNINITIALIZED");
    return !text || *text != '0';
  }();
  return on;
}

struct Current {
  uintptr_t address;
  size_t bytes;
  bool write, atomic, shared;
  uint32_t place;
};

void tell(const char* kind, const Current& c, const Access* other = nullptr) {
  State& s = state();
  const std::string text =
      report({kind, c.address, c.bytes, c.write, c.shared, c.place, s.block->number, other});
  if (s.first_problem.empty()) s.first_problem = text;
}

// Whether `before` is known to have happened before what the current thread does now.
bool is_ordered(const Access& before, uint32_t run) {
  const State& s = state();
  if (before.run != run) return true;
  if (before.block != uint32_t(s.block->number)) return false;
  const unsigned thread = current_thread->linear;
  if (before.thread == thread || before.block_time != s.block->time) return true;
  return before.thread / 32u == thread / 32 && before.warp_time != s.block->warp_time[thread / 32];
}

bool is_now(const Access& a, uint32_t run) {
  const State& s = state();
  return a.run == run && a.block == uint32_t(s.block->number) && a.block_time == s.block->time &&
         a.warp_time == s.block->warp_time[current_thread->warp];
}

void check_word(const Current& c, Word& word, uint8_t mask) {
  const State& s = state();
  const uint32_t run = c.shared ? s.block->run : s.run;
  if ((!c.write || c.atomic) && (word.initialized & mask) != mask && wants_uninitialized())
    tell("UNINITIALIZED", c);
  const auto clashes = [&](const Access& a) { return (a.bytes & mask) && !(c.atomic && a.atomic); };
  if (clashes(word.write) && !is_ordered(word.write, run)) tell("RACE", c, &word.write);
  if (c.write && clashes(word.read) &&
      (!is_ordered(word.read, run) || (word.read.several && is_now(word.read, run))))
    tell("RACE", c, &word.read);

  Access mine{run,           uint32_t(s.block->number),
              c.place,       uint16_t(current_thread->linear),
              s.block->time, s.block->warp_time[current_thread->warp],
              mask,          c.atomic,
              false};
  if (c.write) {
    word.write = mine;
    word.initialized |= mask;
  }
  if (c.write && !c.atomic) return;
  if (!is_ordered(word.read, run)) {  // keep what a write must still wait for
    if (mine.atomic && !word.read.atomic) return;
    mine.several = true;
    mine.bytes |= word.read.bytes;
  }
  word.read = mine;
}

// The shadow of an address, null for what is no device memory: a thread's own stack, constants.
Shadow* find_shadow(const Current& c) {
  State& s = state();
  if (c.shared) {
    const std::vector<uint8_t>& usable = s.block->usable;
    const size_t offset = c.address - s.block->shared_base;
    const bool inside = offset + c.bytes <= usable.size() && usable[offset] && usable[offset + c.bytes - 1];
    if (!inside) {
      tell("OUT OF BOUNDS", c);
      return nullptr;
    }
    return &s.block->shared;
  }
  const void* p = reinterpret_cast<const void*>(c.address);
  const Allocation* allocation = device_allocation_in_kernel(p, c.bytes);
  if (!allocation) {
    tell("OUT OF BOUNDS", c);
    current_runner->fail_here(cudaErrorIllegalAddress, "out of bounds", {});
  }
  return &s.global.at(allocation->address);
}

void mark_initialized(uintptr_t p, size_t bytes) {
  auto it = state().global.upper_bound(p);
  if (it == state().global.begin()) return;
  for_each_word(std::prev(it)->second, p, bytes, [](Word& word, uint8_t mask) { word.initialized |= mask; });
}

void block_begin(uint64_t block, unsigned threads, const void* shared, size_t bytes) {
  Block& b = *(state().block = &state().blocks[shared]);
  b.number = block;
  b.run = ++state().block_runs;
  b.time = 1;
  b.warp_time.assign((threads + 31) / 32, 1);
  if (bytes != b.shared_bytes) {
    b.shared_base = reinterpret_cast<uintptr_t>(shared);
    b.shared_bytes = bytes;
    b.shared = Shadow(b.shared_base, bytes);
  }
  b.usable.assign(bytes, 0);
}

// At its start, or after a barrier of the grid, which is one of the block too.
void block_resume(const void* shared) {
  state().block = &state().blocks.at(shared);
  ++state().block->time;
}

void shared_range(const void* p, size_t bytes) {
  Block& b = *state().block;
  const auto address = reinterpret_cast<uintptr_t>(p);
  std::fill_n(b.usable.begin() + std::ptrdiff_t(address - b.shared_base), bytes, uint8_t{1});
  for_each_word(b.shared, address, bytes,
                [](Word& word, uint8_t mask) { word.initialized &= uint8_t(~mask); });
}

void device_copy(const void* to, const void* from, size_t bytes) {
  // What is copied is as initialised as where it came from; said bytewise only where both are words.
  const auto t = reinterpret_cast<uintptr_t>(to), f = reinterpret_cast<uintptr_t>(from);
  if (t % kWord != f % kWord) return mark_initialized(t, bytes);
  Shadow& source = std::prev(state().global.upper_bound(f))->second;
  Shadow& target = std::prev(state().global.upper_bound(t))->second;
  for (uintptr_t i = 0; i < bytes; i += kWord) target.at(t + i).initialized = source.at(f + i).initialized;
}

std::string launch_end() {
  state().active = false;
  return std::exchange(state().first_problem, "");
}

}  // namespace

void check(const void* p, size_t bytes, bool write, bool atomic, const void* instruction) {
  State& s = state();
  if (!s.active || !current_thread) return;
  const auto address = reinterpret_cast<uintptr_t>(p);
  const bool shared = address - s.block->shared_base < s.block->shared_bytes;
  if (!shared && !is_device_address(p)) return;
  const Current c{address, bytes, write, atomic, shared, place_of(instruction)};
  if (address % std::min<size_t>(bytes, 16)) tell("MISALIGNED", c);
  Shadow* shadow = find_shadow(c);
  if (!shadow) return;
  if (traffic_is_counted())
    count_access(c.place, shared ? address - s.block->shared_base : address, bytes, write, shared,
                 current_thread->warp, current_thread->lane);
  for_each_word(*shadow, address, bytes, [&](Word& word, uint8_t mask) { check_word(c, word, mask); });
}

void install_sanitizer() {
  sanitizer.launch_begin = [](const void*) {
    ++state().run;
    state().active = true;
  };
  sanitizer.launch_end = launch_end;
  sanitizer.block_begin = block_begin;
  sanitizer.block_resume = block_resume;
  sanitizer.block_pause = [] {
    if (traffic_is_counted()) end_block_of_traffic();
  };
  sanitizer.grid_barrier = [] { ++state().run; };
  sanitizer.shared_range = shared_range;
  sanitizer.block_barrier = [] { ++state().block->time; };
  sanitizer.warp_barrier = [](unsigned warp) { ++state().block->warp_time[warp]; };
  sanitizer.device_range = [](const void* p, size_t bytes) {
    const auto address = reinterpret_cast<uintptr_t>(p);
    state().global[address] = Shadow(address, bytes);
  };
  sanitizer.device_release = [](const void* p) { state().global.erase(reinterpret_cast<uintptr_t>(p)); };
  sanitizer.device_write = [](const void* p, size_t bytes) {
    mark_initialized(reinterpret_cast<uintptr_t>(p), bytes);
  };
  sanitizer.device_copy = device_copy;
  sanitizer.access = [](const void* p, size_t bytes, bool write, const void* instruction) {
    check(p, bytes, write, false, instruction);
  };
}

}  // namespace kiln::emulated
