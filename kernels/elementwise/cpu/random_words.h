#pragma once

#include <kiln/kernels/base/cpu/parallel.h>
#include <kiln/tensor/random.h>

namespace kiln::kernels {

inline constexpr int64_t kRandomWords = 512;  // made at a time; in the first-level cache

// The numbers first .. first + count - 1 after `start`; first and count are multiples of 4.
void fill_words(const PhiloxState& start, int64_t first, int64_t count, uint32_t* words);

// Calls f(words, first, count) for runs of up to kRandomWords / per_element elements, in parallel: element
// first + i has the numbers words[i * per_element ...]. Runs start at multiples of 64 elements, and the words
// up to the next multiple of 32 elements after `count` exist too, for loops over whole vectors.
template <class F>
void for_each_words(const CpuContext& ctx, const PhiloxState& start, int64_t count, int per_element, F&& f) {
  // Numbers cost about as much as ten additions.
  parallel_for(ctx, count, kGrain / 8, [&](int64_t begin, int64_t end) {
    alignas(64) uint32_t words[kRandomWords];
    const int64_t elements = kRandomWords / per_element;
    for (int64_t i = begin; i < end; i += elements) {
      const int64_t n = std::min(elements, end - i), padded = (n + 31) / 32 * 32;
      fill_words(start, i * per_element, padded * per_element, words);
      f(static_cast<const uint32_t*>(words), i, n);
    }
  });
}

}  // namespace kiln::kernels
