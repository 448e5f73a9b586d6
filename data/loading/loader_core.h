#pragma once

// Internal: what a loader and its copies share.

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <kiln/data/loader.h>
#include <kiln/data/loading/run.h>

namespace kiln::data::detail {

struct Iteration;

// Owns the workers, which make batches for all iterations that are under way and, when the one that walks the
// epochs has nothing left to begin, for the epoch after it.
class LoaderCore : public Held {
 public:
  LoaderCore(Handle<Dataset> dataset, Handle<IterableDataset> stream, const LoaderOptions& options);
  ~LoaderCore() override;

  const Source source;

  // `epoch` -1: where the loader stands. The iteration shows its first batch.
  Ref<Held> begin(Pass pass, int64_t epoch);
  void advance(Iteration& iteration);
  // It goes, wherever it is.
  void leave(Iteration& iteration);

  LoaderState state() const;
  LoaderState state_of(const Iteration& iteration) const;
  void set_state(const LoaderState& state);

 private:
  // Apart, because a child after fork() must leave it as it is: its locks may be held and its threads are
  // gone.
  struct Pool {
    mutable std::mutex mutex;
    std::condition_variable made, wanted;
    std::vector<std::thread> threads;
    bool stopping = false;
  };
  using Lock = std::unique_lock<std::mutex>;

  bool in_child() const;
  void check_process() const;
  void start_workers(Lock& lock);
  void stop_workers();
  void work();
  bool prepare_ahead(Lock& lock);
  std::shared_ptr<Run> find_work() const;
  std::shared_ptr<Run> ready_run(Lock& lock, bool tracked, int64_t epoch, int64_t first);
  bool take_inline(Iteration& iteration, Slot& slot) const;
  bool take(Iteration& iteration, Slot& slot);
  void close(Iteration& iteration, const LoaderState& rest);
  void recycle(Batch&& batch);

  Pool* pool_;
  std::atomic<pid_t> process_ = 0;  // that started the workers
  std::vector<std::shared_ptr<Run>> live_;
  std::shared_ptr<Run> leading_;     // walks the epochs: the one after it comes next
  std::shared_ptr<Run> ahead_;       // that one, before anybody asked for it
  std::vector<Iteration*> tracked_;  // under way and telling the loader's state; the last is who moved last
  LoaderState rest_;                 // the state when none is
  bool resume_ = false;       // rest_ was set, and the iteration that begins there begins in its middle
  std::vector<Batch> spare_;  // memory to use again
};

struct Iteration : Held {
  Iteration(Ref<LoaderCore> from, std::shared_ptr<Run> with, Pass as, const LoaderState& at)
      : core(std::move(from)), run(std::move(with)), pass(as), state(at) {}
  ~Iteration() override { core->leave(*this); }

  Ref<LoaderCore> core;
  std::shared_ptr<Run> run;
  Pass pass;
  LoaderState state;
  Batch current;
  bool ended = false;
};

}  // namespace kiln::data::detail
