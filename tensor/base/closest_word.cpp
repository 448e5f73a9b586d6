#include <kiln/tensor/base/closest_word.h>

#include <algorithm>
#include <numeric>

namespace kiln {

size_t edit_distance(std::string_view a, std::string_view b, size_t limit) {
  const size_t longer = std::max(a.size(), b.size()), shorter = std::min(a.size(), b.size());
  if (longer - shorter >= limit) return limit;
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t(0));
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    size_t least = row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replace = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replace, row[j] + 1, row[j + 1] + 1});
      least = std::min(least, row[j + 1]);
    }
    if (least >= limit) return limit;
  }
  return std::min(row.back(), limit);
}

std::string closest_word(std::string_view word, const std::vector<std::string>& words) {
  std::vector<std::string> longer;
  for (const std::string& candidate : words)
    if (!word.empty() && candidate.starts_with(word)) longer.push_back(candidate);
  if (longer.size() == 1) return longer[0];
  std::string best;
  size_t best_distance = word.size() / 3 + 2;
  for (const std::string& candidate : words)
    if (const size_t distance = edit_distance(word, candidate, best_distance); distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  return best;
}

}  // namespace kiln
