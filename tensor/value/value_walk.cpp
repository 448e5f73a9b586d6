#include <kiln/tensor/value/value_walk.h>

namespace kiln {

bool ValueWalk::next() {
  if (!begun_) return begun_ = true;
  if (enters_ && value_->kind() > Value::Kind::tensor) open_.push_back({value_, 0, path_.size()});
  enters_ = true;
  while (!open_.empty()) {
    Open& parent = open_.back();
    if (parent.next < parent.value->size()) {
      enter(parent, parent.next++);
      return true;
    }
    open_.pop_back();
  }
  enters_ = false;
  return false;
}

// One path grows and shrinks: that of a deep value is long.
void ValueWalk::enter(const Open& parent, size_t child) {
  path_.resize(parent.path);
  if (open_.size() > 1) path_ += separator_;  // the names before it may all be ""
  name_begin_ = path_.size();
  if (parent.value->is_dict() || parent.value->is_object()) {
    const Value::Entry& entry = parent.value->entries()[child];
    key_ = &entry.key;
    value_ = &entry.value;
    path_ += entry.key.is_int() ? std::to_string(entry.key.number()) : entry.key.text();
  } else {
    key_ = nullptr;
    value_ = &parent.value->items()[child];
    path_ += std::to_string(child);
  }
}

}  // namespace kiln
