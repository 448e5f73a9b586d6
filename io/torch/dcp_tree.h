#pragma once

#include <map>
#include <string>
#include <vector>

#include <kiln/tensor/value/value.h>

namespace kiln::io {

// Internal: puts together again what torch.distributed.checkpoint has taken apart: values by flat names, and
// for each the way that it stood at, of keys and indices.
class DcpTree {
 public:
  // `ways`: {"model.weight": ("model", "weight")}; null: the names are the keys. Errors begin with `where`.
  DcpTree(std::string where, const Value* ways);

  void add(const std::string& name, Value value);
  // A dict. Where all keys of a place are indices from 0 on, it is a list.
  Value take();

 private:
  struct Node {
    std::vector<Value::Key> keys;  // in order
    std::vector<size_t> children;
    Value leaf;
    bool is_leaf = false;
  };

  [[noreturn]] void clash(const std::string& name) const;
  size_t child_of(size_t node, const Value::Key& key);
  Value made_of(size_t node);

  std::string where_;
  std::map<std::string, Value> ways_;
  std::vector<Node> nodes_;
  std::map<std::pair<size_t, std::string>, size_t> by_text_;  // never the root, which is 0
  std::map<std::pair<size_t, int64_t>, size_t> by_number_;
};

}  // namespace kiln::io
