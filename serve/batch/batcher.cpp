#include <kiln/serve/batch/batcher.h>

#include <algorithm>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::serve {
namespace {

int64_t microseconds(Clock::duration time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

bool go_together(const Job& a, const Job& b) {
  if (a.engine != b.engine || a.input.dim() != b.input.dim()) return false;
  for (int d = 1; d < a.input.dim(); ++d)
    if (a.input.size(d) != b.input.size(d)) return false;
  return true;
}

int64_t rows_of(const std::vector<Job>& jobs) {
  int64_t rows = 0;
  for (const Job& job : jobs) rows += job.input.size(0);
  return rows;
}

// Where the largest score of each row is.
std::vector<int64_t> choices(const Tensor& scores) {
  const Tensor x = scores.contiguous();
  std::vector<int64_t> best;
  for (int64_t row = 0; row < x.size(0); ++row) {
    const float* begin = x.data<float>() + row * x.size(1);
    best.push_back(std::max_element(begin, begin + x.size(1)) - begin);
  }
  return best;
}

}  // namespace

Batcher::Batcher(const BatchOptions& options, Telemetry& telemetry)
    : options_(options), telemetry_(telemetry) {
  if (options.max_batch < 1 || options.queue_limit < 1 || options.threads < 1)
    fail("batching: max_batch is {}, queue_limit {}, threads {}; each is at least 1", options.max_batch,
         options.queue_limit, options.threads);
  for (int i = 0; i < options.threads; ++i) threads_.emplace_back([this] { work(); });
}

Batcher::~Batcher() {
  {
    const std::scoped_lock lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  threads_.clear();
  for (Job& job : queue_) job.done({.status = 503, .error = "the server stops"});
}

bool Batcher::submit(Job& job) {
  {
    const std::scoped_lock lock(mutex_);
    const int64_t rows = job.input.size(0);
    if (is_stopping_ || queued_rows_ + rows > options_.queue_limit) return false;
    queued_rows_ += rows;
    job.queued = Clock::now();
    queue_.push_back(std::move(job));
  }
  changed_.notify_all();
  return true;
}

std::shared_ptr<void> Batcher::announce() {
  const std::scoped_lock lock(mutex_);
  ++coming_;
  return {this, [](Batcher* batcher) {
            {
              const std::scoped_lock here(batcher->mutex_);
              --batcher->coming_;
            }
            batcher->changed_.notify_all();
          }};
}

// Those that could go with the oldest.
int64_t Batcher::waiting_rows() const {
  int64_t rows = 0;
  for (const Job& job : queue_)
    if (go_together(queue_.front(), job)) rows += job.input.size(0);
  return rows;
}

void Batcher::drop_late(std::vector<std::pair<Job, Outcome>>& late) {
  const auto now = Clock::now();
  std::erase_if(queue_, [&](Job& job) {
    const bool is_late = job.deadline <= now, has_left = job.left && job.left();
    if (!is_late && !has_left) return false;
    queued_rows_ -= job.input.size(0);
    ++(has_left ? telemetry_.left : telemetry_.expired);
    if (!has_left)
      late.emplace_back(std::move(job), Outcome{.status = 504, .error = "the time of the request is over"});
    return true;
  });
}

int64_t Batcher::most_rows(const Engine& engine) const {
  return engine.batch_sizes(options_.max_batch).front();
}

// The first of them, then others as long as they fit.
Batcher::Jobs Batcher::take_batch() {
  Jobs jobs;
  int64_t rows = 0;
  std::deque<Job> rest;
  for (Job& job : queue_) {
    const int64_t more = job.input.size(0);
    const bool fits =
        jobs.empty() || (rows + more <= most_rows(*jobs[0].engine) && go_together(jobs[0], job));
    if (!fits) {
      rest.push_back(std::move(job));
      continue;
    }
    rows += more;
    jobs.push_back(std::move(job));
  }
  queue_ = std::move(rest);
  queued_rows_ -= rows;
  return jobs;
}

// Jobs of one batch, or a shadow's where nothing else is to do; false at the end.
bool Batcher::take(Jobs& jobs, std::unique_lock<std::mutex>& lock) {
  for (;;) {
    std::vector<std::pair<Job, Outcome>> late;
    drop_late(late);
    if (!late.empty()) {
      lock.unlock();
      for (auto& [job, outcome] : late) job.done(outcome);
      late.clear();
      lock.lock();
      continue;
    }
    if (is_stopping_) return false;
    if (queue_.empty()) {
      if (!shadows_.empty()) return true;
      changed_.wait(lock);
      continue;
    }
    const int64_t rows = waiting_rows(), most = most_rows(*queue_.front().engine);
    const auto last = std::max(queue_.front().queued, last_end_) + options_.max_delay;
    const bool waits = coming_ > 0 || rows < std::min(last_rows_, most);
    if (rows >= most || !waits || Clock::now() >= last) {
      jobs = take_batch();
      return true;
    }
    changed_.wait_until(lock, last);
  }
}

void Batcher::work() {
  const NoGrad scope;
  std::unique_lock lock(mutex_);
  for (;;) {
    Jobs jobs;
    if (!take(jobs, lock)) return;
    if (jobs.empty()) {
      Job shadow = std::move(shadows_.front());
      shadows_.pop_front();
      lock.unlock();
      run_shadow(shadow);
      shadow = {};
      lock.lock();
      continue;
    }
    lock.unlock();
    const int64_t rows = rows_of(jobs);
    run(jobs);
    jobs.clear();
    lock.lock();
    last_rows_ = rows;
    last_end_ = Clock::now();
  }
}

// False when the model failed; then nobody has been answered.
bool Batcher::run_together(Jobs& jobs, std::string& error) {
  const auto begin = Clock::now();
  const int64_t rows = rows_of(jobs);
  Tensor scores;
  try {
    std::vector<Tensor> inputs;
    for (const Job& job : jobs) inputs.push_back(job.input);
    scores = jobs[0].engine->run(inputs.size() == 1 ? inputs[0] : cat(inputs)).to(cpu).contiguous();
    if (scores.dim() != 2 || scores.size(0) != rows || scores.dtype() != float32)
      fail("the model gave scores of shape {} for {} samples", scores.shape(), rows);
  } catch (const std::exception& failure) {
    error = failure.what();
    return false;
  }
  const int64_t compute_us = microseconds(Clock::now() - begin);
  telemetry_.compute_us.add(compute_us);
  telemetry_.batch_rows.add(rows);
  telemetry_.inferences += rows;
  int64_t row = 0;
  for (Job& job : jobs) {
    Outcome outcome = {
        .queue_us = microseconds(begin - job.queued), .compute_us = compute_us, .batch_rows = rows};
    outcome.scores = scores.narrow(0, row, job.input.size(0));
    row += job.input.size(0);
    telemetry_.queue_us.add(outcome.queue_us);
    job.done(outcome);
    if (job.shadow) job.input = outcome.scores;  // what the shadow is compared with
  }
  return true;
}

// One request that the model cannot take does not fail those beside it.
void Batcher::run(Jobs& jobs) {
  std::string error;
  if (!run_together(jobs, error)) {
    for (Job& job : jobs) {
      Jobs one;
      one.push_back(std::move(job));
      if (jobs.size() > 1 && run_together(one, error)) {
        job = std::move(one[0]);
        continue;
      }
      ++telemetry_.failed;
      one[0].done({.status = 500, .error = "the model failed on this input"});
      one[0].shadow = nullptr;
      job = std::move(one[0]);
    }
  }
  constexpr size_t kMostShadows = 64;
  const std::scoped_lock lock(mutex_);
  for (Job& job : jobs) {
    if (!job.shadow) continue;
    job.engine = nullptr;
    job.done = nullptr;
    job.left = nullptr;
    if (shadows_.size() < kMostShadows)
      shadows_.push_back(std::move(job));
    else
      ++telemetry_.shadow_dropped;
  }
}

void Batcher::run_shadow(Job& job) {
  try {
    const std::vector<int64_t> theirs = choices(job.input);
    const std::vector<int64_t> ours = choices(job.shadow->run(job.shadow_input).to(cpu));
    for (size_t i = 0; i < theirs.size(); ++i)
      ++(ours.at(i) == theirs[i] ? telemetry_.shadow_agreed : telemetry_.shadow_differed);
  } catch (const std::exception&) {
    telemetry_.shadow_differed += job.input.size(0);
  }
}

}  // namespace kiln::serve
