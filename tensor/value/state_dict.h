#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <kiln/tensor/tensor.h>
#include <kiln/tensor/value/name_index.h>

namespace kiln {

// An ordered list of name -> tensor: what module.state_dict() gives and load_state_dict() takes. Names are
// PyTorch's keys ("layer1.0.conv1.weight") and unique. Tensors are handles: a copy of a StateDict shares
// their memory.
class StateDict {
 public:
  struct Entry {
    std::string name;
    Tensor tensor;
  };

  StateDict() = default;
  // Throws when a name comes twice.
  StateDict(std::initializer_list<Entry> entries);
  explicit StateDict(std::vector<Entry> entries);

  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

  // Null when there is no such name.
  const Tensor* find(std::string_view name) const&;
  const Tensor* find(std::string_view name) && = delete;
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  // Throws when there is no such name.
  const Tensor& at(std::string_view name) const&;
  Tensor at(std::string_view name) &&;
  // The tensor of that name, appended (undefined) when it is new. Like find, it looks at one entry, not at
  // all.
  Tensor& operator[](std::string_view name) &;
  // False when there was none. Looks at all entries.
  bool erase(std::string_view name);

  // The entries whose names start with `prefix`, without it: state.with_prefix("backbone.").
  StateDict with_prefix(std::string_view prefix) const;

 private:
  auto name_of() const {
    return [this](size_t i) -> std::string_view { return entries_[i].name; };
  }

  std::vector<Entry> entries_;
  NameIndex index_;  // of the names
};

}  // namespace kiln
