#pragma once

// Internal: how paths name what is in a value.

#include <string>
#include <string_view>
#include <vector>

#include <kiln/tensor/value/value_children.h>

namespace kiln {

struct PathStyle {
  char separator = '/';
  // Names that other programs read: text is as it is, whatever characters are in it.
  bool raw = false;
};

// The names of the children of one value, each another's and none the begin of another's way, so that a path
// of them leads to one value. A list's index is its digits; a string key is itself, all others are as
// to_string(Key) has them, of equal ones the second with "#2"; an attribute has '@' in front. Where such a
// name could be taken for another's, is empty or cannot be printed, it is quoted: "text" with \\, \", \n, \t,
// \r and \x1f for what would end it or is not UTF-8, <other key> with \\ and \>.
class KeySpelling {
 public:
  KeySpelling(const Children& children, PathStyle style);

  // The name of a child of these children.
  void append(const Children& children, size_t child, std::string& path) const;

 private:
  void spell(const Children& children, PathStyle style);

  std::vector<std::string> table_;  // empty: plain strings and indices
};

// The child that the front of `path` names when '/' separates, and how much of `path` that is. Names that
// need no quotes may have some, and what is unambiguous may lack them.
struct NamedChild {
  static constexpr size_t kNone = SIZE_MAX;
  size_t child = kNone, length = 0;
  size_t whole = kNone;  // the child whose key is all of `path`, even where it should be quoted
};
NamedChild find_child(const Value& value, std::string_view path);

// The names of all children.
std::vector<std::string> names_in(const Value& value, PathStyle style);

}  // namespace kiln
