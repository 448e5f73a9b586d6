#include <kiln/tensor/value/value_walk.h>

#include <kiln/tensor/value/key_spelling.h>

namespace kiln {

struct ValueWalk::Open {
  Children children;
  KeySpelling spelling;
  size_t next, path;  // of the children; bytes of the parent's own path
};

ValueWalk::ValueWalk(const Value& root, char separator) : value_(&root), separator_(separator) {}
ValueWalk::~ValueWalk() = default;

size_t ValueWalk::depth() const { return open_.size(); }

bool ValueWalk::next() {
  if (!begun_) return begun_ = true;
  if (enters_ != Enters::nothing && value_->kind() >= Value::Kind::tensor) {
    const Children children(*value_);
    const size_t first = enters_ == Enters::all ? 0 : children.own();
    if (children.size() > first)
      open_.push_back({children, KeySpelling(children, {separator_, raw_}), first, path_.size()});
  }
  enters_ = Enters::all;
  while (!open_.empty()) {
    Open& parent = open_.back();
    if (parent.next < parent.children.size()) {
      enter(parent, parent.next++);
      return true;
    }
    open_.pop_back();
  }
  enters_ = Enters::nothing;
  return false;
}

// One path grows and shrinks: that of a deep value is long.
void ValueWalk::enter(const Open& parent, size_t child) {
  path_.resize(parent.path);
  if (open_.size() > 1) path_ += separator_;  // the names before it may all be ""
  name_begin_ = path_.size();
  parent.spelling.append(parent.children, child, path_);
  key_ = parent.children.key(child);
  value_ = &parent.children[child];
  is_attribute_ = parent.children.is_attribute(child);
}

}  // namespace kiln
