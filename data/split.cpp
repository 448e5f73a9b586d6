#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <kiln/data/dataset.h>
#include <kiln/data/random_stream.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::data {
namespace {

std::vector<int64_t> counts_of(const std::vector<double>& lengths, int64_t size) {
  double sum = 0;
  for (const double length : lengths) {
    if (!(length >= 0)) fail("random_split: length {} is negative or not a number", length);
    sum += length;
  }
  std::vector<int64_t> counts;
  if (std::abs(sum - 1) < 1e-9) {  // fractions; 1e-9 is far above the rounding of a handful of decimals
    for (const double fraction : lengths)
      counts.push_back(int64_t(std::floor(fraction * double(size) + 1e-9)));
    int64_t rest = size - std::accumulate(counts.begin(), counts.end(), int64_t(0));
    for (size_t i = 0; rest > 0; i = (i + 1) % counts.size(), --rest) ++counts[i];
    return counts;
  }
  if (sum != double(size))
    fail("random_split: lengths must be fractions with sum 1 or counts with sum {}, their sum is {}", size,
         sum);
  for (const double length : lengths) {
    if (length != std::floor(length))
      fail("random_split: length {} is neither a fraction nor a count", length);
    counts.push_back(int64_t(length));
  }
  return counts;
}

// Deals samples, which are sorted by label, so that after each of them every part has its share so far to
// within about one: the next sample goes to the part that is most behind.
std::vector<std::vector<int64_t>> deal(const std::vector<int64_t>& sorted,
                                       const std::vector<int64_t>& counts) {
  std::vector<std::vector<int64_t>> parts(counts.size());
  for (size_t i = 0; i < sorted.size(); ++i) {
    size_t best = 0;
    double most = -1e300;
    for (size_t part = 0; part < counts.size(); ++part) {
      const double share = double(counts[part]) * double(i + 1) / double(sorted.size());
      const double behind = share - double(parts[part].size());
      if (int64_t(parts[part].size()) < counts[part] && behind > most) {
        most = behind;
        best = part;
      }
    }
    parts[best].push_back(sorted[i]);
  }
  return parts;
}

}  // namespace

std::vector<Subset> random_split(const AnyDataset& dataset, const std::vector<double>& lengths,
                                 const SplitOptions& options) {
  const int64_t size = dataset->size();
  const std::vector<int64_t> counts = counts_of(lengths, size);
  RandomStream random = RandomStream::for_split(options.seed);
  std::vector<int64_t> order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), 0);
  shuffle(order, random);

  std::vector<std::vector<int64_t>> parts;
  if (options.stratify) {
    std::vector<std::pair<int64_t, size_t>> keys;  // the label, then the place in the random order
    keys.reserve(order.size());
    for (const int64_t index : order) keys.emplace_back(dataset->label(index), keys.size());
    std::sort(keys.begin(), keys.end());
    std::vector<int64_t> sorted;
    sorted.reserve(order.size());
    for (const auto& [label, place] : keys) sorted.push_back(order[place]);
    parts = deal(sorted, counts);
    for (auto& part : parts) shuffle(part, random);
  } else {
    auto from = order.begin();
    for (const int64_t count : counts) {
      parts.emplace_back(from, from + count);
      from += count;
    }
  }
  std::vector<Subset> subsets;
  subsets.reserve(parts.size());
  for (auto& part : parts) subsets.emplace_back(dataset, std::move(part));
  return subsets;
}

}  // namespace kiln::data
