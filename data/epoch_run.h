#pragma once

// Internal: the batches of one epoch on their way.

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include <kiln/data/batch_builder.h>
#include <kiln/data/loader.h>

namespace kiln::data::detail {

struct LoaderCore : Held {
  LoaderCore(AnyDataset from, const LoaderOptions& with);
  int64_t size() const;

  AnyDataset dataset;
  LoaderOptions options;
  BatchBuilder builder;
  LoaderState state;
  bool resume = false;  // the next iteration starts at state.batch
};

// Workers make batches of one epoch in turn, each at most `depth` ahead of the one that is shown. A batch is
// made from its number alone, and comes out in order.
struct EpochRun : Held {
  EpochRun(Ref<LoaderCore> core, int64_t epoch, int64_t first);
  ~EpochRun() override { stop(); }

  // Shows the next batch, or ends.
  void advance();

  Batch current;
  bool ended = false;

 private:
  struct Slot {
    Batch batch;
    std::exception_ptr error;
    bool ready = false;
  };

  void start_workers();
  void work();
  void stop();
  void make(int64_t number, Batch& batch) const;
  void take(int64_t number);

  Ref<LoaderCore> core_;
  const int64_t epoch_, total_;
  int64_t next_;                // the batch that is shown next
  std::vector<int64_t> order_;  // empty: as they come

  std::mutex mutex_;
  std::condition_variable made_, wanted_;
  std::vector<std::thread> workers_;
  std::vector<Slot> slots_;   // batch n goes through slot n % depth
  std::vector<Batch> spare_;  // memory to use again
  int64_t claimed_ = 0;       // the first batch that no worker has begun
  bool stopping_ = false;
};

}  // namespace kiln::data::detail
