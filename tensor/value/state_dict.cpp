#include <kiln/tensor/value/state_dict.h>

#include <algorithm>
#include <unordered_set>

#include <kiln/tensor/element.h>

namespace kiln {

StateDict::StateDict(std::initializer_list<Entry> entries) : StateDict(std::vector<Entry>(entries)) {}

StateDict::StateDict(std::vector<Entry> entries) : entries_(std::move(entries)) {
  std::unordered_set<std::string_view> names;
  for (const Entry& entry : entries_)
    if (!names.insert(entry.name).second) fail("state dict: '{}' is given twice", entry.name);
}

const Tensor* StateDict::find(std::string_view name) const& {
  for (const Entry& entry : entries_)
    if (entry.name == name) return &entry.tensor;
  return nullptr;
}

const Tensor& StateDict::at(std::string_view name) const& {
  if (const Tensor* tensor = find(name)) return *tensor;
  if (empty()) fail("state dict: there is no '{}', it is empty", name);
  fail("state dict: there is no '{}' among the {} entries ('{}' .. '{}')", name, size(),
       entries_.front().name, entries_.back().name);
}

Tensor StateDict::at(std::string_view name) && { return at(name); }

Tensor& StateDict::operator[](std::string_view name) & {
  for (Entry& entry : entries_)
    if (entry.name == name) return entry.tensor;
  return entries_.emplace_back(Entry{std::string(name), {}}).tensor;
}

bool StateDict::erase(std::string_view name) {
  return std::erase_if(entries_, [&](const Entry& entry) { return entry.name == name; }) != 0;
}

StateDict StateDict::with_prefix(std::string_view prefix) const {
  StateDict result;
  for (const auto& [name, tensor] : entries_)
    if (name.starts_with(prefix)) result.entries_.push_back({name.substr(prefix.size()), tensor});
  return result;
}

}  // namespace kiln
