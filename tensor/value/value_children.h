#pragma once

// Internal: what is in a value, for those who walk through it.

#include <kiln/tensor/value/value.h>

namespace kiln {

// The items or the entries, then the entries of the attributes but for those that are private. The value must
// outlive it.
class Children {
 public:
  explicit Children(const Value& value);

  size_t size() const { return own_ + attributes_count_; }
  // Before the attributes.
  size_t own() const { return own_; }
  const Value& operator[](size_t i) const;
  // Null for an item of a list or tuple.
  const Value::Key* key(size_t i) const;
  bool is_attribute(size_t i) const { return i >= own_; }
  // An attribute's place among the entries of the attributes.
  size_t place(size_t i) const;

 private:
  const Value* value_;
  const std::vector<Value::Entry>* attributes_ = nullptr;
  size_t own_ = 0, attributes_count_ = 0;
  size_t skipped_[3] = {SIZE_MAX, SIZE_MAX, SIZE_MAX};  // of the attributes
};

// What walks leave out: "_metadata", which is for PyTorch alone, where it holds no tensors, what a module has
// beside its state dict, and what safetensors say of all tensors.
bool is_private(const Value::Entry& attribute);

}  // namespace kiln
