#pragma once

// What the GPU sanitizer knows about each word of memory.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <vector>

namespace kiln::emulated {

// Who touched a word (kWord bytes) last. Times are counted in launches and barriers of their grids (blocks,
// for shared memory), block barriers, and barriers of the thread's warp.
struct Access {
  uint32_t run = 0;
  uint32_t block = 0;
  uint32_t place = 0;  // of the instruction, from the start of the program
  uint16_t thread = 0;
  uint16_t block_time = 0;
  uint16_t warp_time = 0;
  uint8_t bytes = 0;  // a bit each
  bool atomic = false;
  bool several = false;  // reads by more than one thread since the last barrier
};

struct Word {
  Access write, read;
  uint8_t initialized = 0;  // a bit a byte
};

// A byte: neighbours that each read and write a half, or a bool, do not meet.
constexpr size_t kWord = 1;

// Words of a contiguous range. Zero pages until they are touched.
class Shadow {
 public:
  Shadow() = default;
  Shadow(uintptr_t base, size_t bytes)
      : base_(base),
        bytes_(bytes),
        words_(static_cast<Word*>(std::calloc(bytes / kWord + 2, sizeof(Word)))) {}
  bool holds(uintptr_t p) const { return p - base_ < bytes_; }
  uintptr_t end() const { return base_ + bytes_; }
  Word& at(uintptr_t p) { return words_.get()[(p - base_ / kWord * kWord) / kWord]; }

 private:
  struct Free {
    void operator()(Word* words) const { std::free(words); }
  };
  uintptr_t base_ = 0;
  size_t bytes_ = 0;
  std::unique_ptr<Word, Free> words_;
};

// The bytes of [p, p + n) within the word at `word`, a bit each.
inline uint8_t byte_mask(uintptr_t word, uintptr_t p, size_t n) {
  uint8_t mask = 0;
  for (size_t b = 0; b < kWord; ++b)
    if (word + b >= p && word + b < p + n) mask = uint8_t(mask | 1u << b);
  return mask;
}

// Calls f(word, mask) for each word that [p, p + n) touches.
template <class F>
void for_each_word(Shadow& shadow, uintptr_t p, size_t n, F&& f) {
  for (uintptr_t word = p / kWord * kWord; word < p + n; word += kWord)
    f(shadow.at(word), byte_mask(word, p, n));
}

}  // namespace kiln::emulated
