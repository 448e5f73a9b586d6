#include <kiln/tensor/value/state_dict.h>

#include <kiln/tensor/dtype/element.h>

namespace kiln {

StateDict::StateDict(std::initializer_list<Entry> entries) : StateDict(std::vector<Entry>(entries)) {}

StateDict::StateDict(std::vector<Entry> entries) : entries_(std::move(entries)) {
  for (const Entry& entry : entries_)
    if (index_.find_or_add(entry.name, name_of()) != NameIndex::kNew)
      fail("state dict: '{}' is given twice", entry.name);
}

const Tensor* StateDict::find(std::string_view name) const& {
  const size_t place = index_.find(name, name_of());
  return place == NameIndex::kNew ? nullptr : &entries_[place].tensor;
}

const Tensor& StateDict::at(std::string_view name) const& {
  if (const Tensor* tensor = find(name)) return *tensor;
  if (empty()) fail("state dict: there is no '{}', it is empty", name);
  fail("state dict: there is no '{}' among the {} entries ('{}' .. '{}')", name, size(),
       entries_.front().name, entries_.back().name);
}

Tensor StateDict::at(std::string_view name) && { return at(name); }

Tensor& StateDict::operator[](std::string_view name) & {
  const size_t place = index_.find_or_add(name, name_of());
  if (place != NameIndex::kNew) return entries_[place].tensor;
  return entries_.emplace_back(Entry{std::string(name), {}}).tensor;
}

bool StateDict::erase(std::string_view name) {
  const size_t place = index_.find(name, name_of());
  if (place == NameIndex::kNew) return false;
  entries_.erase(entries_.begin() + std::ptrdiff_t(place));
  *this = StateDict(std::move(entries_));
  return true;
}

StateDict StateDict::with_prefix(std::string_view prefix) const {
  StateDict result;
  for (const auto& [name, tensor] : entries_)
    if (name.starts_with(prefix)) result[name.substr(prefix.size())] = tensor;
  return result;
}

}  // namespace kiln
