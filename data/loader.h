#pragma once

#include <kiln/data/batch.h>
#include <kiln/data/dataset.h>
#include <kiln/data/iterable.h>
#include <kiln/data/loader_options.h>
#include <kiln/tensor/value/value.h>

namespace kiln::data {

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
class LoaderCore;
struct Iteration;
enum class Pass : uint8_t { walk, epoch, apart };
}  // namespace detail

// An input iterator over the batches of an epoch, which knows its own place: others over the same loader, in
// this thread or another, do not move it. The batch it shows is valid until it moves on; tensors that are
// copied out stay. Leaving a loop early is fine: batches that are being made then are thrown away.
class BatchIterator {
 public:
  struct End {};

  Batch& operator*() const;
  Batch* operator->() const { return &**this; }
  // Throws what a worker met in making the next batch, as an Error that names the sample.
  BatchIterator& operator++();
  bool operator==(End) const;
  // Where this iteration stands.
  LoaderState state() const;

 private:
  friend class Epoch;
  explicit BatchIterator(Ref<Held> iteration) : iteration_(static_cast<Ref<Held>&&>(iteration)) {}
  detail::Iteration& iteration() const;
  Ref<Held> iteration_;
};

// An iterator that shows the N tensors of each batch.
template <size_t N>
class PartsIterator {
 public:
  explicit PartsIterator(BatchIterator at) : at_(static_cast<BatchIterator&&>(at)) {}
  std::array<Tensor, N> operator*() const { return at_->parts<N>(); }
  PartsIterator& operator++() {
    ++at_;
    return *this;
  }
  bool operator==(BatchIterator::End end) const { return at_ == end; }

 private:
  BatchIterator at_;
};

class Epoch {
 public:
  BatchIterator begin() const;
  BatchIterator::End end() const { return {}; }

  // The N tensors of each batch:
  //
  //     for (auto [image, mask, label] : loader.epoch(3).parts<3>()) train_on(image, mask);
  //
  template <size_t N>
  auto parts() const {
    struct Range {
      Epoch epoch;
      PartsIterator<N> begin() const { return PartsIterator<N>(epoch.begin()); }
      BatchIterator::End end() const { return {}; }
    };
    return Range{*this};
  }

 private:
  friend class DataLoader;
  Epoch(Ref<Held> core, detail::Pass pass, int64_t epoch)
      : core_(static_cast<Ref<Held>&&>(core)), pass_(pass), epoch_(epoch) {}
  Ref<Held> core_;
  detail::Pass pass_;
  int64_t epoch_;
};

// Batches of a dataset:
//
//     data::DataLoader loader(data::fashion_mnist(), {.batch_size = 64, .shuffle = true, .workers = 2});
//     for (auto& [x, y] : loader.epoch(3)) train_on(x, y);
//
// The order and the augmentation are a function of (seed, epoch, sample), whatever the number of workers. A
// batch's memory is used again when nobody else holds it.
//
// Workers are started by the first iteration and live as long as the loader, whose end waits for the batches
// that they are at. They compute with one thread each. Near the end of an epoch they go on with the next one,
// so that its first batch is there when it is asked for. Copies of a loader share workers and state. After
// fork() a child makes loaders of its own: one that it inherited with workers throws.
class DataLoader {
 public:
  // Throws for options that make no sense.
  explicit DataLoader(AnyDataset dataset, const LoaderOptions& options = {});
  explicit DataLoader(AnyIterableDataset dataset, const LoaderOptions& options = {});

  // Batches an epoch, and samples of the dataset. Throw for an IterableDataset that does not tell its size.
  int64_t size() const;
  int64_t samples() const;
  // Throws for an IterableDataset.
  const Dataset& dataset() const;

  // The batches of that epoch, from the first; after set_state() once from where that state was.
  Epoch epoch(int64_t epoch) const;
  // The epoch that state() tells: one after the other when each loop runs to its end.
  BatchIterator begin() const;
  BatchIterator::End end() const { return {}; }
  // An epoch from the first batch that leaves no trace: neither state() nor what begin() does next changes.
  Epoch evaluation(int64_t epoch = 0) const;

  // To go on exactly: save the state after a step, and in the new process set it and iterate
  // epoch(state().epoch). Earlier batches are not made again, but an IterableDataset is read from its start.
  // The state is that of the iteration under way that moved last, of several; when none is, where the last
  // ended or was left. set_state() throws for a state of other samples, batch size or seed; iterations under
  // way go on and tell nothing any more.
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
