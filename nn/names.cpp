#include <kiln/nn/names.h>

#include <algorithm>

#include <kiln/tensor/base/closest_word.h>

namespace kiln::nn {

namespace {

// One name is the other with a prefix: "module.fc.weight" for "fc.weight".
bool is_suffix(std::string_view a, std::string_view b) {
  const auto [shorter, longer] = std::minmax(a, b, [](auto x, auto y) { return x.size() < y.size(); });
  return longer.ends_with(shorter) && longer.size() > shorter.size() &&
         longer[longer.size() - shorter.size() - 1] == '.';
}

}  // namespace

std::string closest_name(std::string_view name, const std::vector<std::string>& names) {
  // More would take longer than the rest of an error.
  constexpr size_t kMostCompared = 2000;
  for (const std::string& candidate : names)
    if (is_suffix(name, candidate)) return candidate;
  std::string best;
  // Beyond a third of its letters a name is another name, not a mistyped one.
  size_t best_distance = name.size() / 3 + 2;
  for (size_t i = 0; i < std::min(names.size(), kMostCompared); ++i) {
    const size_t distance = edit_distance(name, names[i], best_distance);
    if (distance >= best_distance) continue;
    best = names[i];
    best_distance = distance;
  }
  return best;
}

// Backtracks to the last star only: a star before it takes as little as it can.
bool matches(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0, star = std::string_view::npos, taken = 0;
  const auto ends = [&] { return p == pattern.size() && (n == name.size() || name[n] == '.'); };
  while (!ends()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && n < name.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos && taken < name.size()) {
      p = star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace kiln::nn
