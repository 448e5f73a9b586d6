#pragma once

// Internal: the batches of one epoch on their way.

#include <exception>
#include <memory>

#include <kiln/data/loading/source.h>

namespace kiln::data::detail {

struct Slot {
  Batch batch;
  std::exception_ptr error;
  bool ready = false;
};

// Batches are made as jobs, several at a time, and taken in order. prepare() and make() run without the
// loader's lock, everything else under it.
class Run {
 public:
  Run(const Source& source, int64_t from_epoch, int64_t from_batch)
      : epoch(from_epoch), first(from_batch), source_(source) {}
  virtual ~Run() = default;
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // Runs once, before all else. Throws what user code throws.
  virtual void prepare() = 0;

  // Batches that were begun and not taken yet.
  virtual int64_t outstanding() const = 0;
  // Whether a batch may be begun now; `elsewhere` are outstanding for another run, and count against the
  // depth.
  virtual bool claimable(int64_t elsewhere) const = 0;
  virtual int64_t claim() = 0;
  // Makes the batch of a job, in slot.batch; what goes wrong is slot.error.
  virtual void make(int64_t job, Slot& slot) = 0;
  virtual void put(int64_t job, Slot&& slot) = 0;
  // The next batch when it is there.
  virtual bool take(Slot& slot) = 0;
  // Nothing is left to begin; to take.
  virtual bool all_claimed() const = 0;
  virtual bool ended() const = 0;

  const int64_t epoch, first;
  bool ready = false;        // prepare() is over
  std::exception_ptr error;  // of prepare()

 protected:
  const Source& source_;
};

// That epoch of the source, from batch `first` on.
std::shared_ptr<Run> make_run(const Source& source, int64_t epoch, int64_t first);

}  // namespace kiln::data::detail
