#include <kiln/data/epoch_run.h>

#include <algorithm>
#include <numeric>
#include <system_error>

#include <kiln/tensor/cpu/context.h>
#include <kiln/tensor/fail.h>

namespace kiln::data::detail {

EpochRun::EpochRun(Ref<LoaderCore> core, int64_t epoch, int64_t first)
    : core_(std::move(core)), epoch_(epoch), total_(core_->size()), next_(first), claimed_(first) {
  if (core_->options.shuffle) {
    order_.resize(size_t(core_->dataset->size()));
    std::iota(order_.begin(), order_.end(), 0);
    RandomStream random = RandomStream::for_order(core_->options.seed, epoch);
    shuffle(order_, random);
  }
  if (core_->options.workers > 0 && first < total_) start_workers();
}

void EpochRun::start_workers() {
  const LoaderOptions& options = core_->options;
  slots_.resize(size_t(options.workers) * size_t(options.prefetch));
  workers_.reserve(size_t(options.workers));
  try {
    for (int i = 0; i < options.workers; ++i) workers_.emplace_back([this] { work(); });
  } catch (const std::system_error& error) {
    const size_t started = workers_.size();
    stop();
    fail("data loader: only {} of {} workers could be started: {}", started, options.workers, error.what());
  }
}

void EpochRun::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wanted_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

void EpochRun::work() {
  set_num_threads(1);
  std::unique_lock lock(mutex_);
  while (true) {
    wanted_.wait(
        lock, [&] { return stopping_ || claimed_ == total_ || claimed_ < next_ + int64_t(slots_.size()); });
    if (stopping_ || claimed_ == total_) return;
    const int64_t number = claimed_++;
    Slot result;
    if (!spare_.empty()) {
      result.batch = std::move(spare_.back());
      spare_.pop_back();
    }
    lock.unlock();
    try {
      make(number, result.batch);
    } catch (...) {
      result.error = std::current_exception();
    }
    result.ready = true;
    lock.lock();
    slots_[size_t(number) % slots_.size()] = std::move(result);
    made_.notify_one();
  }
}

void EpochRun::make(int64_t number, Batch& batch) const {
  const int64_t size = core_->options.batch_size, samples = core_->dataset->size();
  const int64_t first = number * size, count = std::min(size, samples - first);
  batch.epoch = epoch_;
  batch.index = number;
  if (!order_.empty())
    return core_->builder.build(epoch_, std::span(order_).subspan(size_t(first), size_t(count)), batch);
  std::vector<int64_t> plain(static_cast<size_t>(count));
  std::iota(plain.begin(), plain.end(), first);
  core_->builder.build(epoch_, plain, batch);
}

// Waits for a batch of the workers, and gives them the memory of the one before.
void EpochRun::take(int64_t number) {
  std::unique_lock lock(mutex_);
  Slot& slot = slots_[size_t(number) % slots_.size()];
  made_.wait(lock, [&] { return slot.ready; });
  slot.ready = false;
  if (slot.error) std::rethrow_exception(std::exchange(slot.error, nullptr));
  if (!current.tensors.empty()) spare_.push_back(std::move(current));
  current = std::move(slot.batch);
  ++next_;
}

void EpochRun::advance() {
  LoaderState& state = core_->state;
  state.epoch = epoch_;
  state.batch = next_;
  if (next_ >= total_) {
    ended = true;
    current = {};
    stop();
    state.epoch = epoch_ + 1;
    state.batch = 0;
    return;
  }
  try {
    if (workers_.empty()) {
      make(next_, current);
      ++next_;
    } else {
      take(next_);
      wanted_.notify_one();
    }
  } catch (...) {
    ended = true;
    throw;
  }
  state.batch = next_;
}

}  // namespace kiln::data::detail
