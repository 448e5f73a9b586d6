#pragma once

#include <cstdint>
#include <vector>

#include <kiln/data/held.h>

namespace kiln::data {

// Which samples an epoch has, in which order; derive from it for an order of your own. It is a function of
// (seed, epoch) alone, the loader's: that makes runs repeatable and exact to resume, and ranks agree. Several
// threads may call it at once.
class Sampler {
 public:
  virtual ~Sampler() = default;
  // How many indices order() gives; the same in every epoch.
  virtual int64_t size() const = 0;
  virtual std::vector<int64_t> order(uint64_t seed, int64_t epoch) const = 0;
};
using AnySampler = Handle<Sampler>;

// Which samples make up each batch; takes the place of sampler, shuffle, batch_size and drop_last.
class BatchSampler {
 public:
  virtual ~BatchSampler() = default;
  // How many batches batches() gives; the same in every epoch.
  virtual int64_t size() const = 0;
  virtual std::vector<std::vector<int64_t>> batches(uint64_t seed, int64_t epoch) const = 0;
};
using AnyBatchSampler = Handle<BatchSampler>;

// 0, 1, ... size - 1. Sizes below 0 throw, here and below.
class SequentialSampler : public Sampler {
 public:
  explicit SequentialSampler(int64_t size);
  int64_t size() const override { return size_; }
  std::vector<int64_t> order(uint64_t seed, int64_t epoch) const override;

 private:
  int64_t size_;
};

struct RandomSamplerOptions {
  bool replacement = false;  // each draw is independent of the others
  int64_t num_samples = -1;  // -1: as many as there are; without replacement more are several permutations
};

// A random permutation of 0 .. size - 1, or draws from it; by default what LoaderOptions::shuffle does.
class RandomSampler : public Sampler {
 public:
  explicit RandomSampler(int64_t size, const RandomSamplerOptions& options = {});
  int64_t size() const override { return count_; }
  std::vector<int64_t> order(uint64_t seed, int64_t epoch) const override;

 private:
  int64_t size_, count_;
  bool replacement_;
};

// The given indices in random order.
class SubsetRandomSampler : public Sampler {
 public:
  // Throws for a negative index.
  explicit SubsetRandomSampler(std::vector<int64_t> indices);
  int64_t size() const override { return int64_t(indices_.size()); }
  std::vector<int64_t> order(uint64_t seed, int64_t epoch) const override;

 private:
  std::vector<int64_t> indices_;
};

struct WeightedSamplerOptions {
  bool replacement = true;
};

// `num_samples` draws of 0 .. weights.size() - 1, each with a probability in proportion to its weight;
// without replacement one after the other from those that are left.
class WeightedRandomSampler : public Sampler {
 public:
  // Throws for weights that are negative, infinite or not numbers, for a sum of 0, and without replacement
  // when fewer than num_samples weights are above 0.
  WeightedRandomSampler(std::vector<double> weights, int64_t num_samples,
                        const WeightedSamplerOptions& options = {});
  int64_t size() const override { return count_; }
  std::vector<int64_t> order(uint64_t seed, int64_t epoch) const override;

 private:
  std::vector<double> weights_, sums_;
  int64_t count_;
  bool replacement_;
};

struct DistributedSamplerOptions {
  int64_t num_replicas = 1;
  int64_t rank = 0;
  bool shuffle = true;
  bool drop_last = false;  // leave out what does not divide evenly, instead of repeating the first samples
};

// The part of one of num_replicas processes: every num_replicas-th index, from rank on, of an order that all
// of them share when their loaders have the same seed. All parts are of one size, as PyTorch's.
class DistributedSampler : public Sampler {
 public:
  explicit DistributedSampler(int64_t size, const DistributedSamplerOptions& options = {});
  int64_t size() const override { return count_; }
  std::vector<int64_t> order(uint64_t seed, int64_t epoch) const override;

 private:
  int64_t size_, count_;
  DistributedSamplerOptions options_;
};

struct LengthBatchOptions {
  int64_t batch_size = 1;
  bool shuffle = true;
  bool drop_last = false;
  int64_t pool = 50;  // batches whose samples are sorted together when shuffling: more pad less, mix less
};

// Batches of samples of similar length, so that little is padded. Shuffled, pools of random samples are
// sorted by length, longest first, and the batches come in random order; else all samples are sorted,
// shortest first.
class LengthBatchSampler : public BatchSampler {
 public:
  // Throws for negative lengths, and for a batch size or pool below 1.
  explicit LengthBatchSampler(std::vector<int64_t> lengths, const LengthBatchOptions& options = {});
  int64_t size() const override;
  std::vector<std::vector<int64_t>> batches(uint64_t seed, int64_t epoch) const override;

 private:
  std::vector<int64_t> lengths_;
  LengthBatchOptions options_;
};

}  // namespace kiln::data
