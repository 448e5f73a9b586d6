#pragma once

#include <kiln/tensor/value/name_index.h>
#include <kiln/tensor/value/value.h>

namespace kiln {

// Internal: finds the keys of a growing list of entries, without memory for each.
class KeyIndex {
 public:
  static constexpr size_t kNew = NameIndex::kNew;

  // Where `key` is among the entries that this index knows; kNew, and it is known as the next one.
  size_t find_or_add(const std::vector<Value::Entry>& entries, const Value::Key& key) {
    return index_.find_or_add(
        key.hash(), [&](size_t i) { return entries[i].key == key; },
        [&](size_t i) { return entries[i].key.hash(); });
  }

 private:
  NameIndex index_;
};

}  // namespace kiln
