#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include <kiln/tensor/value/value.h>

namespace kiln {

// Internal: finds the keys of a growing list of entries, without memory for each.
class KeyIndex {
 public:
  static constexpr size_t kNew = SIZE_MAX;

  // Where `key` is among the entries that this index knows; kNew, and it is known as the next one,
  // entries[count()].
  size_t find_or_add(const std::vector<Value::Entry>& entries, const Value::Key& key) {
    if (slots_.size() < 2 * (count_ + 1)) grow(entries);
    size_t slot = hash(key) & (slots_.size() - 1);
    for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1))
      if (entries[slots_[slot] - 1].key == key) return slots_[slot] - 1;
    slots_[slot] = ++count_;
    return kNew;
  }

 private:
  static size_t hash(const Value::Key& key) {
    return key.is_int()
               ? size_t(uint64_t(key.number()) * 0x9E3779B97F4A7C15u >> 20)  // Knuth's multiplicative hash
               : std::hash<std::string_view>()(key.text());
  }
  void grow(const std::vector<Value::Entry>& entries) {
    constexpr size_t kLeast = 16;
    std::vector<size_t> larger(std::max(kLeast, 4 * slots_.size()));
    for (size_t i = 0; i < count_; ++i) {
      size_t slot = hash(entries[i].key) & (larger.size() - 1);
      while (larger[slot] != 0) slot = (slot + 1) & (larger.size() - 1);
      larger[slot] = i + 1;
    }
    slots_.swap(larger);
  }

  std::vector<size_t> slots_;  // number of an entry, counted from 1; 0: none
  size_t count_ = 0;
};

}  // namespace kiln
