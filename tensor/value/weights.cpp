#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/key_spelling.h>
#include <kiln/tensor/value/surgery.h>
#include <kiln/tensor/value/value_walk.h>

namespace kiln {
namespace {

bool has_keys(const Value& value) { return value.is_dict() || value.is_object(); }

// Counters, random states and scores are tensors too.
bool is_weight(const Value& value) {
  return value.is_tensor() && value.as_tensor().dim() > 0 && value.as_tensor().dtype() != uint8 &&
         value.as_tensor().dtype() != int64;
}
bool is_any_tensor(const Value& value) { return value.is_tensor(); }

size_t count_tensors(const Value& dict) {
  size_t count = 0;
  for (const auto& [key, value] : dict.entries()) count += value.is_tensor() ? 1 : 0;
  return count;
}

bool holds(const Value& value, bool (*wanted)(const Value& value)) {
  for (const auto& [key, child] : value.entries())
    if (key.is_text() && wanted(child)) return true;
  return false;
}

std::vector<std::string> find(const Value& checkpoint, bool (*wanted)(const Value& value)) {
  std::vector<std::string> found;
  for (ValueWalk walk(checkpoint, '/'); walk.next();) {
    const Value::Key* key = walk.key();
    // Under keys that are no names there is an optimiser's state for each parameter.
    if (key != nullptr && (!key->is_text() || key->text().find("optim") != std::string::npos))
      walk.skip();
    else if (has_keys(walk.value()) && holds(walk.value(), wanted))
      found.push_back(walk.path());
  }
  return found;
}

std::string only_candidate(const Value& checkpoint) {
  const std::vector<std::string> found = find_weights(checkpoint);
  if (found.size() == 1) return found[0];
  if (found.empty())
    fail("weights: there is no dict of tensors in the checkpoint:\n{}", to_string(checkpoint));
  std::string list;
  constexpr size_t kShown = 20;
  for (size_t i = 0; i < found.size() && i < kShown; ++i)
    list += fmt::format("\n  '{}' with {} tensors", found[i].empty() ? "/" : found[i],
                        count_tensors(found[i].empty() ? checkpoint : checkpoint.at(found[i])));
  if (found.size() > kShown) list += fmt::format("\n  and {} more", found.size() - kShown);
  fail("weights: {} places in the checkpoint hold weights, choose one by its path:{}", found.size(), list);
}

}  // namespace

std::vector<std::string> find_weights(const Value& checkpoint) {
  for (const auto wanted : {is_weight, is_any_tensor}) {
    std::vector<std::string> found = find(checkpoint, wanted);
    if (!found.empty()) return found;
  }
  return {};
}

std::string where_weights_are(const Value& checkpoint) {
  std::string text;
  constexpr size_t kShown = 5;
  std::vector<std::string> found = find_weights(checkpoint);
  std::erase(found, "");
  for (size_t i = 0; i < found.size() && i < kShown; ++i)
    text += fmt::format("{} '{}' {}{}{}", i == 0 ? ";" : ",", found[i], i == 0 ? "holds " : "",
                        count_tensors(checkpoint.at(found[i])), i == 0 ? " tensors" : "");
  if (found.size() > kShown) text += fmt::format(" and {} more", found.size() - kShown);
  return text;
}

StateDict weights_of(const Value& checkpoint, std::string_view path, std::vector<std::string>* left_out) {
  const std::string place = path.empty() ? only_candidate(checkpoint) : std::string(path == "/" ? "" : path);
  const Value& value = place.empty() ? checkpoint : checkpoint.at(place);
  if (!has_keys(value))
    fail("weights: at '{}' there is {}, not a dict of tensors", place.empty() ? "/" : place,
         to_string(value));
  std::vector<StateDict::Entry> entries;
  const std::vector<std::string> names = names_in(value, {.separator = '.', .raw = true});
  for (size_t i = 0; i < value.size(); ++i) {
    const Value& child = value.entries()[i].value;
    if (child.is_tensor())
      entries.push_back({names[i], child.as_tensor()});
    else if (left_out != nullptr)
      left_out->push_back(names[i]);
  }
  if (entries.empty())
    fail("weights: '{}' holds no tensors itself, only {} other entries; choose a path inside it",
         place.empty() ? "/" : place, value.size());
  return StateDict(std::move(entries));
}

}  // namespace kiln
