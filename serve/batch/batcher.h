#pragma once

// Internal: requests on their way through the model, several at a time.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <kiln/serve/batch/engine.h>
#include <kiln/serve/batch/options.h>
#include <kiln/serve/batch/telemetry.h>
#include <kiln/tensor/base/function.h>

namespace kiln::serve {

using Clock = std::chrono::steady_clock;

// What became of a job.
struct Outcome {
  int status = 200;   // 504: too late; 500: the model failed
  std::string error;  // for the client, of the two others
  Tensor scores;      // [n,K] on the CPU
  int64_t queue_us = 0, compute_us = 0, batch_rows = 0;
};

struct Job {
  std::shared_ptr<Engine> engine;  // that it was prepared for, and that answers it
  Tensor input;                    // [n, input...]
  Clock::time_point deadline = Clock::time_point::max();
  Function<bool()> left;                // nobody waits any more
  Function<void(const Outcome&)> done;  // called once, by a thread of the batcher, unless `left`
  std::shared_ptr<Engine> shadow = {};  // answers too, for nobody, when there is time
  Tensor shadow_input = {};
  Clock::time_point queued = {};
};

// A queue, and threads that take from it what fits into one batch: jobs of one engine and shape, the oldest
// first. A batch begins when it is full, when its oldest job has waited for max_delay, or as soon as nobody
// else is on the way: no request is being read, and as many rows wait as the last batch had, whose clients
// may come again. So one client alone never waits.
class Batcher {
 public:
  Batcher(const BatchOptions& options, Telemetry& telemetry);
  // Ends what is queued with 503.
  ~Batcher();
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  // False when the queue is full, or the batcher stops; the job is as it was.
  bool submit(Job& job);
  // While it lives, a batch may wait for a job.
  std::shared_ptr<void> announce();
  int64_t queued_rows() const { return queued_rows_; }

 private:
  using Jobs = std::vector<Job>;
  void work();
  bool take(Jobs& jobs, std::unique_lock<std::mutex>& lock);
  void drop_late(std::vector<std::pair<Job, Outcome>>& late);
  int64_t waiting_rows() const;
  Jobs take_batch();
  // That go in one batch.
  int64_t most_rows(const Engine& engine) const;
  void run(Jobs& jobs);
  bool run_together(Jobs& jobs, std::string& error);
  void run_shadow(Job& job);

  BatchOptions options_;
  Telemetry& telemetry_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> queue_, shadows_;
  std::atomic<int64_t> queued_rows_ = 0;
  int64_t coming_ = 0, last_rows_ = 0;
  Clock::time_point last_end_ = {};
  bool is_stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace kiln::serve
