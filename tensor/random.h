#pragma once

#include <cstdint>
#include <string>

#include <kiln/tensor/base/lock.h>

namespace kiln {

// A counter-based generator (Philox4x32-10; Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC
// 2011): number i is a function of (seed, offset + i), so every device gives the same numbers in any order of
// computing them, and a saved state continues exactly.
struct PhiloxState {
  uint64_t seed = 0;
  uint64_t offset = 0;  // in blocks of four 32-bit numbers
  bool operator==(const PhiloxState&) const = default;
};

// Where the numbers of an op start. `base`, of CUDA only, is in device memory and is added: a captured graph
// draws other numbers in each replay.
struct PhiloxStart : PhiloxState {
  PhiloxStart(const PhiloxState& state = {}, const PhiloxState* added = nullptr)
      : PhiloxState(state), base(added) {}
  const PhiloxState* base;
};

// A place in a stream of numbers. May be shared by threads: each number is handed out once, in whatever order
// they ask. A copy goes on alone from where the original stood.
class Generator {
 public:
  explicit Generator(uint64_t seed = 0) : state_{seed, 0} {}
  Generator(const Generator& other) : state_(other.state()) {}
  Generator& operator=(const Generator& other) {
    set_state(other.state());
    return *this;
  }

  uint64_t seed() const { return state().seed; }
  void manual_seed(uint64_t seed) { set_state({seed, 0}); }
  PhiloxState state() const {
    const Locked locked(lock_);
    return state_;
  }
  void set_state(const PhiloxState& state) {
    const Locked locked(lock_);
    state_ = state;
  }

  // Reserves numbers for `count` draws of 32 bits, and returns where they start.
  PhiloxState advance(int64_t count) {
    const Locked locked(lock_);
    const PhiloxState start = state_;
    state_.offset += (uint64_t(count) + 3) / 4;
    return start;
  }
  // One number; advances by one block.
  uint64_t next();

 private:
  mutable Lock lock_;
  PhiloxState state_;
};

// "seed 42, block 7".
std::string to_string(const Generator& generator);

struct PhiloxBlock {
  uint32_t words[4];
};

// Block `offset` of stream `seed`. The CUDA kernels use the same function.
constexpr PhiloxBlock philox(uint64_t seed, uint64_t offset) {
  uint32_t counter[4] = {uint32_t(offset), uint32_t(offset >> 32), 0, 0};
  uint32_t key[2] = {uint32_t(seed), uint32_t(seed >> 32)};
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t(0xD2511F53u) * counter[0], b = uint64_t(0xCD9E8D57u) * counter[2];
    const uint32_t next[4] = {uint32_t(b >> 32) ^ counter[1] ^ key[0], uint32_t(b),
                              uint32_t(a >> 32) ^ counter[3] ^ key[1], uint32_t(a)};
    for (int i = 0; i < 4; ++i) counter[i] = next[i];
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return {{counter[0], counter[1], counter[2], counter[3]}};
}

// 24 random bits as a float in [0, 1).
constexpr float uniform_from_bits(uint32_t bits) { return float(bits >> 8) * 0x1p-24f; }

// The generator that random ops use when none is given, one for all threads. Seeded with 0 at the start, like
// a fixed program should be.
Generator& default_generator();
void manual_seed(uint64_t seed);

}  // namespace kiln
