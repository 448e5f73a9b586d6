#include <kiln/data/loading/loader_core.h>

#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/range.h>
#include <kiln/tensor/cpu/context.h>

namespace kiln::data::detail {

LoaderCore::LoaderCore(Handle<Dataset> dataset, Handle<IterableDataset> stream, const LoaderOptions& options)
    : source(std::move(dataset), std::move(stream), options),
      pool_(new Pool),
      rest_{0, 0, options.seed, options.batch_size,
            source.dataset ? source.samples() : source.stream->size()} {}

LoaderCore::~LoaderCore() {
  if (in_child()) return;
  stop_workers();
  delete pool_;
}

bool LoaderCore::in_child() const {
  const pid_t process = process_;
  return process != 0 && process != getpid();
}

void LoaderCore::check_process() const {
  if (in_child())
    fail(
        "data loader: its workers stayed in the process that this one was forked from; make a new loader "
        "here");
}

LoaderState LoaderCore::state() const {
  check_process();
  const std::lock_guard lock(pool_->mutex);
  return tracked_.empty() ? rest_ : tracked_.back()->state;
}

LoaderState LoaderCore::state_of(const Iteration& iteration) const {
  check_process();
  const std::lock_guard lock(pool_->mutex);
  return iteration.state;
}

void LoaderCore::set_state(const LoaderState& state) {
  check_process();
  const std::lock_guard lock(pool_->mutex);
  tracked_.clear();
  leading_ = ahead_ = nullptr;
  rest_ = state;
  resume_ = true;
}

Ref<Held> LoaderCore::begin(Pass pass, int64_t epoch) {
  check_process();
  Lock lock(pool_->mutex);
  const bool tracked = pass != Pass::apart;
  if (epoch < 0) epoch = rest_.epoch;
  int64_t first = 0;
  if (tracked && epoch >= rest_.epoch && std::exchange(resume_, false) && epoch == rest_.epoch)
    first = rest_.batch;
  if (source.options.workers > 0 && pool_->threads.empty()) start_workers(lock);
  const std::shared_ptr<Run> run = ready_run(lock, tracked, epoch, first);

  LoaderState state = rest_;
  state.epoch = epoch;
  state.batch = first;
  auto* iteration = new Iteration(Ref<LoaderCore>(this), run, pass, state);
  const Ref<Held> owner(iteration);
  if (source.options.workers > 0) live_.push_back(run);
  if (tracked) tracked_.push_back(iteration);
  if (tracked && epoch == rest_.epoch) {
    leading_ = run;
    if (ahead_ && ahead_->epoch != epoch + 1) ahead_ = nullptr;
  }
  lock.unlock();
  pool_->wanted.notify_all();
  advance(*iteration);
  return owner;
}

// The run of an epoch, which may have been begun already.
std::shared_ptr<Run> LoaderCore::ready_run(Lock& lock, bool tracked, int64_t epoch, int64_t first) {
  if (tracked && ahead_ && ahead_->epoch == epoch && first == 0) {
    const std::shared_ptr<Run> run = std::exchange(ahead_, nullptr);
    leading_ = nullptr;  // or the workers would begin that epoch once more while this one is waited for
    pool_->made.wait(lock, [&] { return run->ready; });
    if (run->error) std::rethrow_exception(run->error);
    return run;
  }
  lock.unlock();
  const std::shared_ptr<Run> run = make_run(source, epoch, first);
  run->prepare();
  lock.lock();
  run->ready = true;
  return run;
}

void LoaderCore::advance(Iteration& it) {
  if (it.ended) return;
  const profile::Range range("loader");
  Slot slot;
  const bool taken = source.options.workers == 0 ? take_inline(it, slot) : take(it, slot);
  const Lock lock(pool_->mutex);
  if (!taken) {
    LoaderState next = it.state;
    next.epoch = it.run->epoch + 1;
    next.batch = 0;
    return close(it, next);
  }
  if (slot.error) {
    close(it, it.state);
    std::rethrow_exception(slot.error);
  }
  recycle(std::exchange(it.current, std::move(slot.batch)));
  ++it.state.batch;
  const auto at = std::ranges::find(tracked_, &it);
  if (at != tracked_.end()) std::rotate(at, at + 1, tracked_.end());
}

// The batch is made here and now, in the memory of the one before.
bool LoaderCore::take_inline(Iteration& it, Slot& slot) const {
  while (!it.run->take(slot)) {
    if (it.run->ended()) return false;
    Slot fresh;
    fresh.batch = std::move(it.current);
    const int64_t job = it.run->claim();
    it.run->make(job, fresh);
    it.run->put(job, std::move(fresh));
  }
  return true;
}

bool LoaderCore::take(Iteration& it, Slot& slot) {
  check_process();
  Lock lock(pool_->mutex);
  bool taken = false;
  pool_->made.wait(lock, [&] { return (taken = it.run->take(slot)) || it.run->ended(); });
  lock.unlock();
  pool_->wanted.notify_one();
  return taken;
}

void LoaderCore::leave(Iteration& it) {
  if (it.ended || in_child()) return;
  const Lock lock(pool_->mutex);
  if (leading_ == it.run) leading_ = ahead_ = nullptr;
  Slot slot;
  while (it.run->take(slot)) recycle(std::move(slot.batch));
  close(it, it.state);
}

// An epoch that was asked for by its number moves the loader forwards only: who looks at an old one again
// goes on with the next where he was.
void LoaderCore::close(Iteration& it, const LoaderState& rest) {
  it.ended = true;
  recycle(std::exchange(it.current, {}));
  std::erase(live_, it.run);
  it.state = rest;
  if (std::erase(tracked_, &it) == 0) return;
  if (it.pass == Pass::walk || rest.epoch >= rest_.epoch) rest_ = rest;
}

void LoaderCore::recycle(Batch&& batch) {
  if (source.options.workers == 0 || batch.tensors.empty()) return;
  // One iteration has as many as are ahead, the one it shows and the one it takes.
  if (int64_t(spare_.size()) < source.depth() + 2) spare_.push_back(std::move(batch));
}

void LoaderCore::start_workers(Lock& lock) {
  process_ = getpid();
  const int count = source.options.workers;
  pool_->threads.reserve(size_t(count));
  try {
    for (int i = 0; i < count; ++i) pool_->threads.emplace_back([this] { work(); });
  } catch (const std::system_error& error) {
    const size_t started = pool_->threads.size();
    lock.unlock();
    stop_workers();
    fail("data loader: only {} of {} workers could be started: {}", started, count, error.what());
  }
}

void LoaderCore::stop_workers() {
  {
    const std::lock_guard lock(pool_->mutex);
    pool_->stopping = true;
  }
  pool_->wanted.notify_all();
  for (std::thread& thread : pool_->threads) thread.join();
  pool_->threads.clear();
  pool_->stopping = false;
}

void LoaderCore::work() {
  set_num_threads(1);
  Lock lock(pool_->mutex);
  while (!pool_->stopping) {
    if (prepare_ahead(lock)) continue;
    std::shared_ptr<Run> run = find_work();
    if (run == nullptr) {
      pool_->wanted.wait(lock);
      continue;
    }
    const int64_t job = run->claim();
    Slot slot;
    if (!spare_.empty()) {
      slot.batch = std::move(spare_.back());
      spare_.pop_back();
    }
    lock.unlock();
    run->make(job, slot);
    lock.lock();
    run->put(job, std::move(slot));
    pool_->made.notify_all();
    lock.unlock();
    run = nullptr;  // what may be the last of an iteration that was left goes without the lock
    lock.lock();
  }
}

// Begins the epoch after the one that walks, when nothing is left to begin of that.
bool LoaderCore::prepare_ahead(Lock& lock) {
  if (!leading_ || ahead_ || !leading_->all_claimed()) return false;
  const std::shared_ptr<Run> run = ahead_ = make_run(source, leading_->epoch + 1, 0);
  lock.unlock();
  std::exception_ptr error;
  try {
    run->prepare();
  } catch (...) {
    error = std::current_exception();
  }
  lock.lock();
  run->error = error;
  run->ready = true;
  pool_->made.notify_all();
  pool_->wanted.notify_all();
  return true;
}

// Of the runs that want a batch the one that has fewest; the epoch that nobody asked for comes last.
std::shared_ptr<Run> LoaderCore::find_work() const {
  std::shared_ptr<Run> best;
  for (const std::shared_ptr<Run>& run : live_)
    if (run->claimable(0) && (best == nullptr || run->outstanding() < best->outstanding())) best = run;
  if (best != nullptr || ahead_ == nullptr || !ahead_->ready || ahead_->error) return best;
  return ahead_->claimable(leading_ ? leading_->outstanding() : 0) ? ahead_ : nullptr;
}

}  // namespace kiln::data::detail
