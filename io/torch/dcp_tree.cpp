#include <kiln/io/torch/dcp_tree.h>

#include <kiln/tensor/base/fail.h>

namespace kiln::io {

DcpTree::DcpTree(std::string where, const Value* ways) : where_(std::move(where)), nodes_(1) {
  if (ways == nullptr || !ways->is_dict()) return;
  for (const auto& [name, way] : ways->entries())
    if (name.is_text()) ways_.emplace(name.text(), way);
}

void DcpTree::clash(const std::string& name) const {
  fail("{} places '{}' where another value stands", where_, name);
}

size_t DcpTree::child_of(size_t node, const Value::Key& key) {
  size_t& place = key.is_text() ? by_text_[{node, key.text()}] : by_number_[{node, key.number()}];
  if (place != 0) return place;
  place = nodes_.size();
  nodes_.emplace_back();
  nodes_[node].keys.push_back(key);
  nodes_[node].children.push_back(place);
  return place;
}

void DcpTree::add(const std::string& name, Value value) {
  constexpr size_t kDeepest = 100;
  const auto known = ways_.find(name);
  const Value* way = known == ways_.end() ? nullptr : &known->second;
  if (way != nullptr && (!way->is_tuple() || way->size() > kDeepest || way->size() == 0))
    fail("{} has a way to '{}' that is none", where_, name);
  size_t node = 0;
  for (size_t i = 0; i < (way == nullptr ? 1 : way->size()); ++i) {
    if (nodes_[node].is_leaf) clash(name);
    const Value step = way == nullptr ? Value(name) : way->items()[i];
    if (!step.is_string() && !step.is_int()) fail("{} has a way to '{}' that is none", where_, name);
    node = child_of(node, Value::Key(step));
  }
  if (nodes_[node].is_leaf || !nodes_[node].children.empty()) clash(name);
  nodes_[node].is_leaf = true;
  nodes_[node].leaf = std::move(value);
}

// Not deeper than a way is long.
Value DcpTree::made_of(size_t node) {
  if (nodes_[node].is_leaf) return std::move(nodes_[node].leaf);
  const std::vector<Value::Key> keys = nodes_[node].keys;
  const std::vector<size_t> children = nodes_[node].children;
  std::map<int64_t, size_t> numbers;
  for (size_t i = 0; i < keys.size(); ++i)
    if (keys[i].is_int()) numbers[keys[i].number()] = children[i];
  const bool is_list = node != 0 && !keys.empty() && numbers.size() == keys.size() &&
                       numbers.begin()->first == 0 && numbers.rbegin()->first == int64_t(keys.size()) - 1;
  if (is_list) {
    std::vector<Value> items;
    for (const auto& [number, child] : numbers) items.push_back(made_of(child));
    return Value::list(std::move(items));
  }
  std::vector<Value::Entry> entries;
  for (size_t i = 0; i < keys.size(); ++i) entries.push_back({keys[i], made_of(children[i])});
  return Value::dict_of_different(std::move(entries));
}

Value DcpTree::take() { return made_of(0); }

}  // namespace kiln::io
