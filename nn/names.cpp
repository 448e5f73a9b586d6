#include <kiln/nn/names.h>

#include <algorithm>
#include <numeric>

namespace kiln::nn {

namespace {

// Levenshtein's distance.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t(0));
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replace = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replace, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

// One name is the other with a prefix: "module.fc.weight" for "fc.weight".
bool is_suffix(std::string_view a, std::string_view b) {
  const auto [shorter, longer] = std::minmax(a, b, [](auto x, auto y) { return x.size() < y.size(); });
  return longer.ends_with(shorter) && longer.size() > shorter.size() &&
         longer[longer.size() - shorter.size() - 1] == '.';
}

}  // namespace

std::string closest_name(std::string_view name, const std::vector<std::string>& names) {
  std::string best;
  // Beyond a third of its letters a name is another name, not a mistyped one.
  size_t best_distance = name.size() / 3 + 2;
  for (const std::string& candidate : names) {
    if (is_suffix(name, candidate)) return candidate;
    const size_t distance = edit_distance(name, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

bool matches(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty() || name.starts_with('.');
  if (name.empty() || (pattern[0] != '*' && pattern[0] != '?' && pattern[0] != name[0]))
    return name.empty() && pattern.find_first_not_of('*') == std::string_view::npos;
  if (pattern[0] == '*') return matches(pattern.substr(1), name) || matches(pattern, name.substr(1));
  return matches(pattern.substr(1), name.substr(1));
}

}  // namespace kiln::nn
