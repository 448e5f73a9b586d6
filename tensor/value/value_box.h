#pragma once

// Internal: what a Value points to.

#include <kiln/tensor/base/function.h>
#include <kiln/tensor/value/value.h>

namespace kiln {

// Copies of a value share a box until one of them may change it: `open` says that a reference into it was
// given out by which that could happen at any time, so that from then on a copy has a box of its own.
struct Value::Box {
  void add_handle() const { __atomic_add_fetch(&handles, 1, __ATOMIC_RELAXED); }
  // True when that was the last.
  bool drop_handle() const { return __atomic_sub_fetch(&handles, 1, __ATOMIC_ACQ_REL) == 0; }
  bool is_shared() const { return __atomic_load_n(&handles, __ATOMIC_ACQUIRE) != 1; }

  mutable int handles = 1;
  bool open = false;
};

// Of a string or bytes.
struct Value::Text : Box {
  explicit Text(std::string of) : text(std::move(of)) {}
  std::string text;
};

struct Value::Held : Box {
  explicit Held(Tensor of) : tensor(std::move(of)) {}
  Tensor tensor;
  Value attributes;
};

// Of a list or tuple.
struct Value::Items : Box {
  explicit Items(std::vector<Value> of) : items(std::move(of)) {}
  std::vector<Value> items;
  Value attributes;
};

// Of a dict, whose type is empty, or an object.
struct Value::Fields : Box {
  Fields(std::string of, std::vector<Entry> all) : type(std::move(of)), entries(std::move(all)) {}
  std::string type;
  std::vector<Entry> entries;
  Value attributes;
};

template <class F>
void Value::each_child(F&& f) const {
  if (kind_ == Kind::list || kind_ == Kind::tuple)
    for (Value& item : payload_.items->items) f(item);
  if (kind_ >= Kind::dict)
    for (Entry& entry : payload_.fields->entries) f(entry.value);
  if (Value* attributes = attributes_place(); attributes != nullptr && !attributes->is_none()) f(*attributes);
}

// For what goes through values and must not see one box many times.
class ValueAccess {
 public:
  // The same for values that share their memory; null for those that have none.
  static const void* box_of(const Value& value) { return value.is_boxed() ? value.payload_.box : nullptr; }
  static void replace_tensors(Value& value, Function<Tensor(const Tensor&)>& replace);
};

}  // namespace kiln
