#pragma once

#include <kiln/data/batch.h>
#include <kiln/data/dataset.h>
#include <kiln/data/transforms.h>
#include <kiln/tensor/value/value.h>

namespace kiln::data {

struct LoaderOptions {
  int64_t batch_size = 1;
  bool shuffle = false;
  uint64_t seed = 0;
  bool drop_last = false;       // leaves out a last batch that is not full
  int workers = 0;              // threads that make batches; 0: the thread that iterates makes them itself
  int prefetch = 2;             // batches that each worker may be ahead
  AnyTransform transform = {};  // of the first tensor of each sample
  MemoryFormat memory_format = MemoryFormat::channels_last;  // of 4-D floating batches
};

// Where a loader stands: `batch` batches of `epoch` have been handed out. The other numbers say for which
// loader that means the same samples.
struct LoaderState {
  int64_t epoch = 0;
  int64_t batch = 0;
  uint64_t seed = 0;
  int64_t batch_size = 0;
  int64_t samples = 0;
  bool operator==(const LoaderState&) const = default;
};

namespace detail {
struct LoaderCore;
struct EpochRun;
}  // namespace detail

// An input iterator over the batches of an epoch. The batch it shows is valid until it moves on; tensors that
// are copied out stay. Its destruction stops the workers, so leaving a loop early is fine.
class BatchIterator {
 public:
  struct End {};

  Batch& operator*() const;
  Batch* operator->() const { return &**this; }
  // Throws what a worker met in making the next batch, as an Error that names the sample.
  BatchIterator& operator++();
  bool operator==(End) const;

 private:
  friend class Epoch;
  explicit BatchIterator(Ref<Held> run) : run_(static_cast<Ref<Held>&&>(run)) {}
  detail::EpochRun& run() const;
  Ref<Held> run_;
};

class Epoch {
 public:
  BatchIterator begin() const;
  BatchIterator::End end() const { return {}; }

 private:
  friend class DataLoader;
  Epoch(Ref<Held> core, int64_t epoch) : core_(static_cast<Ref<Held>&&>(core)), epoch_(epoch) {}
  Ref<Held> core_;
  int64_t epoch_;
};

// Batches of a dataset:
//
//     data::DataLoader loader(data::fashion_mnist(), {.batch_size = 64, .shuffle = true, .workers = 2});
//     for (auto& [x, y] : loader.epoch(3)) train_on(x, y);
//
// The order and the augmentation are a function of (seed, epoch, sample), whatever the number of workers. A
// batch's memory is used again when nobody else holds it. A copy of a loader shares its position.
class DataLoader {
 public:
  // Throws for options that make no sense.
  explicit DataLoader(AnyDataset dataset, const LoaderOptions& options = {});

  // Batches an epoch, and samples.
  int64_t size() const;
  int64_t samples() const;
  const Dataset& dataset() const;

  // The batches of that epoch, from the first; after set_state() once from where that state was.
  Epoch epoch(int64_t epoch) const;
  // The epoch that state() tells: one after the other when each loop runs to its end.
  BatchIterator begin() const;
  BatchIterator::End end() const { return {}; }

  // To go on exactly: save the state after a step, and in the new process set it and iterate
  // epoch(state().epoch). Earlier batches are not made again. set_state() throws for a state of other
  // samples, batch size or seed.
  LoaderState state() const;
  void set_state(const LoaderState& state);
  // The same as a value, for checkpoints.
  Value state_dict() const;
  void load_state_dict(const Value& state);

 private:
  detail::LoaderCore& core() const;
  Ref<Held> core_;
};

}  // namespace kiln::data
