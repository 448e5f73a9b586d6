#include <kiln/data/sampler.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <kiln/data/random_stream.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::data {
namespace {

// std::vector's limit; more would end as a failed allocation far away.
constexpr int64_t kMost = int64_t(1) << 40;

int64_t checked_size(const char* sampler, const char* what, int64_t size, int64_t least) {
  if (size < least || size > kMost)
    fail("{}: {} must be {} .. {}, got {}", sampler, what, least, kMost, size);
  return size;
}

std::vector<int64_t> counted(int64_t size) {
  std::vector<int64_t> order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

}  // namespace

SequentialSampler::SequentialSampler(int64_t size)
    : size_(checked_size("SequentialSampler", "size", size, 0)) {}

std::vector<int64_t> SequentialSampler::order(uint64_t, int64_t) const { return counted(size_); }

RandomSampler::RandomSampler(int64_t size, const RandomSamplerOptions& options)
    : size_(checked_size("RandomSampler", "size", size, 0)),
      count_(options.num_samples == -1
                 ? size
                 : checked_size("RandomSampler", "num_samples", options.num_samples, 0)),
      replacement_(options.replacement) {
  if (size == 0 && count_ > 0)
    fail("RandomSampler: num_samples is {}, there is nothing to draw from", count_);
}

std::vector<int64_t> RandomSampler::order(uint64_t seed, int64_t epoch) const {
  RandomStream random = RandomStream::for_order(seed, epoch);
  std::vector<int64_t> order;
  order.reserve(size_t(count_));
  if (replacement_) {
    for (int64_t i = 0; i < count_; ++i) order.push_back(random.below(size_));
    return order;
  }
  while (int64_t(order.size()) < count_) {
    std::vector<int64_t> permutation = counted(size_);
    shuffle(permutation, random);
    const int64_t rest = std::min(count_ - int64_t(order.size()), size_);
    if (order.empty() && rest == size_) {
      order = std::move(permutation);
    } else {
      order.insert(order.end(), permutation.begin(), permutation.begin() + rest);
    }
  }
  return order;
}

SubsetRandomSampler::SubsetRandomSampler(std::vector<int64_t> indices) : indices_(std::move(indices)) {
  for (const int64_t index : indices_)
    if (index < 0) fail("SubsetRandomSampler: index {} is negative", index);
}

std::vector<int64_t> SubsetRandomSampler::order(uint64_t seed, int64_t epoch) const {
  RandomStream random = RandomStream::for_order(seed, epoch);
  std::vector<int64_t> order = indices_;
  shuffle(order, random);
  return order;
}

WeightedRandomSampler::WeightedRandomSampler(std::vector<double> weights, int64_t num_samples,
                                             const WeightedSamplerOptions& options)
    : weights_(std::move(weights)),
      count_(checked_size("WeightedRandomSampler", "num_samples", num_samples, 1)),
      replacement_(options.replacement) {
  double sum = 0;
  int64_t above = 0;
  for (size_t i = 0; i < weights_.size(); ++i) {
    if (!(weights_[i] >= 0) || std::isinf(weights_[i]))
      fail("WeightedRandomSampler: weight {} is {}; weights are numbers from 0 on", i, weights_[i]);
    sums_.push_back(sum += weights_[i]);
    above += weights_[i] > 0;
  }
  if (!(sum > 0) || std::isinf(sum))
    fail("WeightedRandomSampler: the sum of the {} weights is {}, it must be above 0 and finite",
         weights_.size(), sum);
  if (!replacement_ && count_ > above)
    fail(
        "WeightedRandomSampler: {} samples cannot be drawn without replacement, {} of the {} weights are "
        "above 0",
        count_, above, weights_.size());
}

std::vector<int64_t> WeightedRandomSampler::order(uint64_t seed, int64_t epoch) const {
  RandomStream random = RandomStream::for_order(seed, epoch);
  std::vector<int64_t> order;
  order.reserve(size_t(count_));
  if (replacement_) {
    // A product that rounds up to the sum would fall behind the last weight that is above 0.
    const auto last = std::ranges::lower_bound(sums_, sums_.back());
    for (int64_t i = 0; i < count_; ++i) {
      const auto found = std::ranges::upper_bound(sums_, random.uniform_double() * sums_.back());
      order.push_back(std::min(found, last) - sums_.begin());
    }
    return order;
  }
  // The first of exponential waiting times with these rates are draws one after the other (Efraimidis and
  // Spirakis, 2006).
  std::vector<std::pair<double, int64_t>> times;
  for (size_t i = 0; i < weights_.size(); ++i) {
    const double uniform = random.uniform_double();
    if (weights_[i] > 0) times.emplace_back(-std::log1p(-uniform) / weights_[i], int64_t(i));
  }
  std::partial_sort(times.begin(), times.begin() + count_, times.end());
  for (int64_t i = 0; i < count_; ++i) order.push_back(times[size_t(i)].second);
  return order;
}

DistributedSampler::DistributedSampler(int64_t size, const DistributedSamplerOptions& options)
    : size_(checked_size("DistributedSampler", "size", size, 0)), options_(options) {
  const int64_t replicas = checked_size("DistributedSampler", "num_replicas", options.num_replicas, 1);
  if (options.rank < 0 || options.rank >= replicas)
    fail("DistributedSampler: rank {} is not in 0 .. {}", options.rank, replicas - 1);
  count_ = options.drop_last ? size / replicas : (size + replicas - 1) / replicas;
}

std::vector<int64_t> DistributedSampler::order(uint64_t seed, int64_t epoch) const {
  std::vector<int64_t> all = counted(size_);
  if (options_.shuffle) {
    RandomStream random = RandomStream::for_order(seed, epoch);
    shuffle(all, random);
  }
  std::vector<int64_t> order;
  order.reserve(size_t(count_));
  for (int64_t i = 0; i < count_; ++i)
    order.push_back(all[size_t((options_.rank + i * options_.num_replicas) % size_)]);
  return order;
}

LengthBatchSampler::LengthBatchSampler(std::vector<int64_t> lengths, const LengthBatchOptions& options)
    : lengths_(std::move(lengths)), options_(options) {
  checked_size("LengthBatchSampler", "batch_size", options.batch_size, 1);
  checked_size("LengthBatchSampler", "pool", options.pool, 1);
  for (size_t i = 0; i < lengths_.size(); ++i)
    if (lengths_[i] < 0) fail("LengthBatchSampler: length {} of sample {} is negative", lengths_[i], i);
}

int64_t LengthBatchSampler::size() const {
  const int64_t samples = int64_t(lengths_.size()), full = samples / options_.batch_size;
  return full + (!options_.drop_last && samples % options_.batch_size != 0);
}

std::vector<std::vector<int64_t>> LengthBatchSampler::batches(uint64_t seed, int64_t epoch) const {
  const int64_t samples = int64_t(lengths_.size());
  std::vector<int64_t> order = counted(samples);
  RandomStream random = RandomStream::for_order(seed, epoch);
  if (options_.shuffle) {
    shuffle(order, random);
    const int64_t pool = std::min(samples, options_.pool) * std::min(samples, options_.batch_size);
    for (int64_t first = 0; first < samples; first += pool)
      std::stable_sort(order.begin() + first, order.begin() + std::min(samples, first + pool),
                       [&](int64_t a, int64_t b) { return lengths_[size_t(a)] > lengths_[size_t(b)]; });
  } else {
    std::ranges::stable_sort(order, {}, [&](int64_t i) { return lengths_[size_t(i)]; });
  }
  std::vector<std::vector<int64_t>> batches;
  for (int64_t i = 0, first = 0; i < size(); ++i, first += options_.batch_size)
    batches.emplace_back(order.begin() + first,
                         order.begin() + std::min(samples, first + options_.batch_size));
  if (options_.shuffle)
    for (size_t i = batches.size(); i > 1; --i)
      std::swap(batches[i - 1], batches[size_t(random.below(int64_t(i)))]);
  return batches;
}

}  // namespace kiln::data
