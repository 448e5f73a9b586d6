#include <kiln/tensor/value/surgery.h>

#include <regex>
#include <unordered_map>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/dtype/cast.h>
#include <kiln/tensor/value/seeded_hash.h>

namespace kiln {
namespace {

// std::regex recurses once a character, so names are bounded before it sees them.
constexpr size_t kLongestName = 2000;

std::regex compiled(const std::string& pattern) {
  try {
    return std::regex(pattern);
  } catch (const std::regex_error& error) {
    fail("state dict: the pattern '{}' is not a regular expression: {}", pattern, error.what());
  }
}

void check_length(const std::string& name) {
  if (name.size() > kLongestName)
    fail("state dict: a name of {} bytes ('{}...') is too long for a pattern, the limit is {}", name.size(),
         name.substr(0, 40), kLongestName);
}

bool matches(const std::string& name, const std::regex& pattern) {
  check_length(name);
  return std::regex_search(name, pattern);
}

template <class F>
StateDict with_names(const StateDict& state, F&& change) {
  std::vector<StateDict::Entry> entries;
  std::unordered_map<std::string, const std::string*, TextHash> origins;
  for (const auto& [name, tensor] : state) {
    std::string changed = change(name);
    const auto [other, is_new] = origins.try_emplace(changed, &name);
    if (!is_new) fail("state dict: '{}' and '{}' would both become '{}'", *other->second, name, changed);
    entries.push_back({std::move(changed), tensor});
  }
  return StateDict(std::move(entries));
}

template <class F>
StateDict filtered(const StateDict& state, F&& wanted) {
  std::vector<StateDict::Entry> entries;
  for (const StateDict::Entry& entry : state)
    if (wanted(entry.name)) entries.push_back(entry);
  return StateDict(std::move(entries));
}

Tensor as_type(const Tensor& x, DType dtype) {
  const Tensor y = empty(x.shape(), {.dtype = dtype, .device = cpu});
  cast_floating(x, y);
  return y;
}

}  // namespace

StateDict strip_prefix(const StateDict& state, std::string_view prefix) {
  return with_names(state, [&](const std::string& name) {
    return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
  });
}

StateDict add_prefix(const StateDict& state, std::string_view prefix) {
  return with_names(state, [&](const std::string& name) { return std::string(prefix) + name; });
}

StateDict rename(const StateDict& state, const std::string& pattern, const std::string& replacement) {
  const std::regex regex = compiled(pattern);
  return with_names(state, [&](const std::string& name) {
    check_length(name);
    return std::regex_replace(name, regex, replacement);
  });
}

StateDict keep(const StateDict& state, const std::string& pattern) {
  const std::regex regex = compiled(pattern);
  return filtered(state, [&](const std::string& name) { return matches(name, regex); });
}

StateDict drop(const StateDict& state, const std::string& pattern) {
  const std::regex regex = compiled(pattern);
  return filtered(state, [&](const std::string& name) { return !matches(name, regex); });
}

StateDict cast(const StateDict& state, DType dtype) {
  if (!is_floating(dtype)) fail("cast: weights become a floating dtype, not {}", dtype);
  std::vector<StateDict::Entry> entries;
  for (const auto& [name, x] : state) {
    if (!x.device().is_cpu()) fail("cast: '{}' is on {}; copy it to the CPU first", name, x.device());
    entries.push_back({name, is_floating(x.dtype()) && x.dtype() != dtype ? as_type(x, dtype) : x});
  }
  return StateDict(std::move(entries));
}

StateDict merge(const StateDict& base, const StateDict& over) {
  std::unordered_map<std::string_view, const Tensor*, TextHash> newer;
  for (const auto& [name, tensor] : over) newer.emplace(name, &tensor);
  std::vector<StateDict::Entry> entries;
  for (const auto& [name, tensor] : base) {
    const auto found = newer.find(name);
    entries.push_back({name, found == newer.end() ? tensor : *found->second});
    if (found != newer.end()) newer.erase(found);
  }
  for (const StateDict::Entry& entry : over)
    if (newer.contains(entry.name)) entries.push_back(entry);
  return StateDict(std::move(entries));
}

}  // namespace kiln
