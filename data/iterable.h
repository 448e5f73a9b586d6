#pragma once

#include <kiln/data/held.h>
#include <kiln/data/sample.h>
#include <kiln/tensor/base/function.h>

namespace kiln::data {

// Which part of a stream one reader reads: part `index` of `count`.
struct Shard {
  int64_t index = 0;
  int64_t count = 1;
};

// Samples that come one after the other (a socket, a large archive, a generator) instead of by index. A
// loader reads it in LoaderOptions::shards parts, one a worker unless said otherwise, each by one thread at a
// time; batches come from the parts in turn, as in PyTorch.
class IterableDataset {
 public:
  virtual ~IterableDataset() = default;
  // A function that writes the next sample of that part of that epoch, and returns false when there is none.
  // All parts together hold each sample once: for example those whose number % shard.count == shard.index.
  virtual Function<bool(Sample&)> iterate(const Shard& shard, int64_t epoch) const = 0;
  // Samples of an epoch; -1 when nobody knows.
  virtual int64_t size() const { return -1; }
};

class AnyIterableDataset : public Handle<IterableDataset> {
 public:
  template <class D>
  requires std::is_base_of_v<IterableDataset, D> AnyIterableDataset(D dataset)
      : Handle(static_cast<D&&>(dataset)) {}
};

}  // namespace kiln::data
