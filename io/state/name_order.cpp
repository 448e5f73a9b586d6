#include <kiln/io/state/name_order.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

std::vector<size_t> sorted(const std::vector<std::string_view>& names) {
  std::vector<size_t> order(names.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::ranges::sort(order, {}, [&](size_t i) { return names[i]; });
  return order;
}

}  // namespace

std::string order_text(const std::vector<std::string_view>& names) {
  const std::vector<size_t> order = sorted(names);
  std::vector<size_t> places(names.size());
  for (size_t place = 0; place < order.size(); ++place) places[order[place]] = place;
  return fmt::format("{}", fmt::join(places, ","));
}

std::vector<size_t> order_from(std::string_view text, const std::vector<std::string_view>& names) {
  const std::vector<size_t> order = sorted(names);
  std::vector<size_t> result;
  std::vector<bool> taken(names.size());
  const char *at = text.data(), *const end = at + text.size();
  while (at != end) {
    size_t place = 0;
    const auto [next, error] = std::from_chars(at, end, place);
    if (error != std::errc() || place >= names.size() || taken[place]) return {};
    taken[place] = true;
    result.push_back(order[place]);
    at = next;
    if (at == end) break;
    ++at;
    if (*next != ',' || at == end) return {};
  }
  return result.size() == names.size() ? result : std::vector<size_t>();
}

}  // namespace kiln::io
