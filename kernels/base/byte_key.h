#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace kiln::kernels {

// Hash and equality of a key that is plain bytes without padding, for caches of plans.
struct HashBytes {
  template <class Key>
  size_t operator()(const Key& key) const {
    static_assert(std::has_unique_object_representations_v<Key> && sizeof(Key) % 8 == 0);
    uint64_t words[sizeof(Key) / 8], hash = 0;
    std::memcpy(words, &key, sizeof(Key));
    for (const uint64_t word : words) hash = (hash ^ word) * 0x9e3779b97f4a7c15u + (hash >> 29);
    return size_t(hash ^ (hash >> 32));
  }
};
struct EqualBytes {
  template <class Key>
  bool operator()(const Key& a, const Key& b) const {
    return std::memcmp(&a, &b, sizeof(Key)) == 0;
  }
};

}  // namespace kiln::kernels
