#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <kiln/tensor/value/seeded_hash.h>

namespace kiln {

// Finds keys of a growing list, which keeps them; without memory for each.
class NameIndex {
 public:
  static constexpr size_t kNew = SIZE_MAX;

  NameIndex() = default;
  NameIndex(const NameIndex&) = default;
  // What is left knows no names, like the list that it belongs to.
  NameIndex(NameIndex&& other) noexcept { swap(other); }
  NameIndex& operator=(NameIndex other) noexcept {
    swap(other);
    return *this;
  }

  // Where `name` is among those that this index knows, name_of(0) .. name_of(count - 1); kNew when it is not.
  template <class NameOf>
  size_t find(std::string_view name, NameOf&& name_of) const {
    return find(hash(name), [&](size_t i) { return name_of(i) == name; });
  }
  // The same, but a new name is known from now on: as the next one.
  template <class NameOf>
  size_t find_or_add(std::string_view name, NameOf&& name_of) {
    return find_or_add(
        hash(name), [&](size_t i) { return name_of(i) == name; }, [&](size_t i) { return hash(name_of(i)); });
  }

  // For keys of any type: their hash; whether the key is number i; the hash of number i.
  template <class Is>
  size_t find(size_t hash, Is&& is) const {
    return slots_.empty() ? kNew : slots_[slot_for(hash, is)] - 1;  // an empty slot: 0 - 1
  }
  template <class Is, class HashOf>
  size_t find_or_add(size_t hash, Is&& is, HashOf&& hash_of) {
    if (slots_.size() < 2 * (count_ + 1)) grow(hash_of);
    size_t& slot = slots_[slot_for(hash, is)];
    if (slot != 0) return slot - 1;
    slot = ++count_;
    return kNew;
  }
  static size_t hash(std::string_view name) { return seeded_hash(name); }

 private:
  void swap(NameIndex& other) noexcept {
    slots_.swap(other.slots_);
    std::swap(count_, other.count_);
  }
  template <class Is>
  size_t slot_for(size_t hash, Is&& is) const {
    size_t slot = hash & (slots_.size() - 1);
    while (slots_[slot] != 0 && !is(slots_[slot] - 1)) slot = (slot + 1) & (slots_.size() - 1);
    return slot;
  }
  template <class HashOf>
  void grow(HashOf&& hash_of) {
    constexpr size_t kLeast = 16;
    std::vector<size_t> larger(slots_.empty() ? kLeast : 4 * slots_.size());
    slots_.swap(larger);
    for (size_t i = 0; i < count_; ++i) slots_[slot_for(hash_of(i), [](size_t) { return false; })] = i + 1;
  }

  std::vector<size_t> slots_;  // number of a key, counted from 1; 0: none
  size_t count_ = 0;
};

}  // namespace kiln
