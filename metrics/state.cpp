#include <kiln/metrics/state.h>

namespace kiln::metrics {

Value state_of(const char* kind, std::vector<Value::Entry> entries) {
  entries.insert(entries.begin(), {"kind", kind});
  return Value::dict(std::move(entries));
}

void check_kind(const Value& state, const char* kind) {
  const std::string& found = state.at("kind").as_string();
  if (found != kind) fail("metrics: the state is of a {}, a {} was expected", found, kind);
}

int64_t count_of(const Value& state, const char* key) {
  const int64_t count = state.at(key).as_int();
  if (count < 0) fail("metrics: the state is damaged: '{}' is {}, which is no count", key, count);
  return count;
}

std::vector<int64_t> counts_of(const Value& state, const char* key, size_t size) {
  std::vector<int64_t> counts = state.at(key).as_tensor().to_vector<int64_t>();
  if (counts.size() != size)
    fail("metrics: the state is damaged: '{}' has {} counts, {} were expected", key, counts.size(), size);
  for (const int64_t count : counts)
    if (count < 0) fail("metrics: the state is damaged: '{}' has the count {}", key, count);
  return counts;
}

std::vector<double> doubles_of(const Value& state, const char* key) {
  return state.at(key).as_tensor().to_vector<double>();
}

Value state_of(const std::vector<ExactSum>& sums) {
  std::vector<Value> items;
  items.reserve(sums.size());
  for (const ExactSum& sum : sums) items.push_back(sum.state());
  return Value::list(std::move(items));
}

std::vector<ExactSum> sums_of(const Value& state, const char* key, size_t size) {
  std::vector<ExactSum> sums;
  for (const Value& item : state.at(key).items()) sums.push_back(ExactSum::from_state(item));
  if (sums.size() != size)
    fail("metrics: the state is damaged: '{}' has {} sums, {} were expected", key, sums.size(), size);
  return sums;
}

}  // namespace kiln::metrics
