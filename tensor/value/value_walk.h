#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <kiln/tensor/value/value.h>

namespace kiln {

// Goes through a value and all that is in it, in order, parents before their children, and tells the way to
// each. Without recursion: a value may be deeper than the stack. The value must outlive the walk and stay as
// it is.
//
//     for (ValueWalk walk(checkpoint, '/'); walk.next();)
//       if (walk.value().is_tensor()) std::puts(walk.path().c_str());
class ValueWalk {
 public:
  ValueWalk(const Value& root, char separator) : value_(&root), separator_(separator) {}
  ValueWalk(const Value&& root, char separator) = delete;  // it would be gone

  // To the root at first; false when all was seen.
  bool next();
  // Passes over what is in the present value.
  void skip() { enters_ = false; }

  const Value& value() const { return *value_; }
  // In a dict or object; null in a list or tuple, and for the root.
  const Value::Key* key() const { return key_; }
  // Keys and indices from the root on, joined by the separator: "" for the root. Valid until next().
  const std::string& path() const { return path_; }
  // The last of them.
  std::string_view name() const { return std::string_view(path_).substr(name_begin_); }
  // How many containers the value is in.
  size_t depth() const { return open_.size(); }

 private:
  struct Open {
    const Value* value;
    size_t next, path;  // of its children; bytes of its own path
  };

  void enter(const Open& parent, size_t child);

  const Value* value_;
  const Value::Key* key_ = nullptr;
  char separator_;
  bool begun_ = false, enters_ = true;
  size_t name_begin_ = 0;
  std::string path_;
  std::vector<Open> open_;
};

}  // namespace kiln
