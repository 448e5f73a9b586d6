#include <kiln/project/check/similar.h>

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>
#include <string_view>

namespace kiln::project {
namespace {

// Two pictures with up to 6 of 64 signs apart agree in one of 7 bands.
constexpr int kMostSigns = 6, kBands = kMostSigns + 1;
constexpr double kMostUnlike = 0.06;

uint64_t band(uint64_t signs, int number) {
  const int begin = 64 * number / kBands, end = 64 * (number + 1) / kBands;
  return signs >> begin & ((uint64_t(1) << (end - begin)) - 1);
}

// Which belong together.
class Groups {
 public:
  explicit Groups(size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), size_t(0)); }

  size_t root(size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(size_t i, size_t j) {
    i = root(i);
    j = root(j);
    parent_[std::max(i, j)] = std::min(i, j);
  }
  std::vector<std::vector<size_t>> of_several() {
    std::map<size_t, std::vector<size_t>> members;
    for (size_t i = 0; i < parent_.size(); ++i) members[root(i)].push_back(i);
    std::vector<std::vector<size_t>> groups;
    for (auto& [first, group] : members)
      if (group.size() > 1) groups.push_back(std::move(group));
    return groups;
  }

 private:
  std::vector<size_t> parent_;
};

void join_run(const std::vector<PictureFacts>& facts, const size_t* begin, const size_t* end,
              Groups& groups) {
  for (const size_t* i = begin; i != end; ++i)
    for (const size_t* j = i + 1; j != end; ++j) {
      const PictureFacts &a = facts[*i], &b = facts[*j];
      if (std::popcount(a.signs ^ b.signs) > kMostSigns || groups.root(*i) == groups.root(*j)) continue;
      if (unlikeness(a, b) <= kMostUnlike) groups.join(*i, *j);
    }
}

}  // namespace

std::vector<std::vector<size_t>> similar(const std::vector<PictureFacts>& facts) {
  std::vector<size_t> order;
  for (size_t i = 0; i < facts.size(); ++i)
    if (facts[i].error.empty()) order.push_back(i);
  Groups groups(facts.size());
  for (int number = 0; number < kBands; ++number) {
    const auto key = [&](size_t i) { return band(facts[i].signs, number); };
    std::ranges::stable_sort(order, {}, key);
    for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
      while (end < order.size() && key(order[end]) == key(order[begin])) ++end;
      join_run(facts, order.data() + begin, order.data() + end, groups);
    }
  }
  return groups.of_several();
}

std::vector<std::vector<size_t>> same_bytes(const std::vector<PictureFacts>& facts) {
  std::map<std::string_view, std::vector<size_t>> by_hash;
  for (size_t i = 0; i < facts.size(); ++i)
    if (!facts[i].sha256.empty()) by_hash[facts[i].sha256].push_back(i);
  std::vector<std::vector<size_t>> groups;
  for (auto& [hash, group] : by_hash)
    if (group.size() > 1) groups.push_back(std::move(group));
  std::ranges::sort(groups);
  return groups;
}

}  // namespace kiln::project
