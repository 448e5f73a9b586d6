#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <kiln/tensor/value/value.h>

namespace kiln {

// Goes through a value and all that is in it, in order, parents before their children, attributes behind
// them, and tells the way to each. Without recursion: a value may be deeper than the stack. The value must
// outlive the walk and stay as it is.
//
//     for (ValueWalk walk(checkpoint, '/'); walk.next();)
//       if (walk.value().is_tensor()) std::puts(walk.path().c_str());
//
// No two values of a tree have the same path, and Value::at finds what a path with '/' names. A list's index
// is its digits, a key is as to_string has it, of other keys than strings that look alike the second has
// "#2", an attribute has '@' in front: "optimizer/state/0/exp_avg", "betas/(1, 2)", "weight/@scales". A
// string key that looks like another name, or like the begin of another's path, is empty or cannot be printed
// is quoted: {1: a, "1": b} are 1 and "1"; "line\nbreak". What is in keys that are tensors or objects is not
// walked through.
class ValueWalk {
 public:
  ValueWalk(const Value& root, char separator);
  ValueWalk(const Value&& root, char separator) = delete;  // it would be gone
  ~ValueWalk();
  ValueWalk(const ValueWalk&) = delete;
  ValueWalk& operator=(const ValueWalk&) = delete;
  // Strings that cannot be printed are not quoted: for names in files, which hold them as they are.
  ValueWalk& raw() { return raw_ = true, *this; }

  // To the root at first; false when all was seen.
  bool next();
  // Passes over what is in the present value; the second, but for its attributes.
  void skip() { enters_ = Enters::nothing; }
  void skip_content() { enters_ = Enters::attributes; }

  const Value& value() const { return *value_; }
  // In a dict or object, or of an attribute; null in a list or tuple, and for the root.
  const Value::Key* key() const { return key_; }
  bool is_attribute() const { return is_attribute_; }
  // Names from the root on, joined by the separator: "" for the root. Valid until next().
  const std::string& path() const { return path_; }
  // The last of them.
  std::string_view name() const { return std::string_view(path_).substr(name_begin_); }
  // How many containers the value is in.
  size_t depth() const;

 private:
  struct Open;

  void enter(const Open& parent, size_t child);

  const Value* value_;
  const Value::Key* key_ = nullptr;
  char separator_;
  enum class Enters { nothing, attributes, all } enters_ = Enters::all;
  bool raw_ = false, begun_ = false, is_attribute_ = false;
  size_t name_begin_ = 0;
  std::string path_;
  std::vector<Open> open_;
};

}  // namespace kiln
