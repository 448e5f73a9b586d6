#pragma once

#include <cstdint>
#include <string_view>

namespace kiln {

// Hashes of what files say. SipHash-1-3 with a seed that each process draws anew: nobody can write
// a file whose names or keys all meet in one place of a table.
uint64_t seeded_hash(std::string_view text);
uint64_t seeded_hash(uint64_t a, uint64_t b);

// For the standard library's tables, of names and of numbers.
struct TextHash {
  size_t operator()(std::string_view text) const { return seeded_hash(text); }
};
struct NumberHash {
  size_t operator()(int64_t number) const { return seeded_hash(uint64_t(number), 0); }
};

}  // namespace kiln
