#include "grid/block.h"

#include <algorithm>
#include <cstring>

#include "options.h"
#include "sanitizer_hooks.h"

namespace kiln::emulated {

__thread ThreadView* current_thread;
__thread uint3 current_block;
__thread uint3 block_size;
__thread uint3 grid_size;
__thread BlockRunner* current_runner;

std::string to_string(const Location& where) {
  if (!where.line) return "an unknown place";
  const char* slash = std::strrchr(where.file, '/');
  return std::string(slash ? slash + 1 : where.file) + ":" + std::to_string(where.line);
}

bool same_place(const Location& a, const Location& b) {
  return a.line == b.line && (a.file == b.file || !std::strcmp(a.file, b.file));
}

namespace {

std::string triple(uint3 v) {
  return "(" + std::to_string(v.x) + "," + std::to_string(v.y) + "," + std::to_string(v.z) + ")";
}

}  // namespace

std::string BlockRunner::name() const { return "block " + triple(block_); }

std::string BlockRunner::name_of(const GpuThread& thread) const {
  return name() + " thread " + triple(thread.view.index);
}

void BlockRunner::fail(cudaError_t error, std::string why) {
  if (!failed_) failure_ = {error, std::move(why)};
  failed_ = true;
}

void BlockRunner::fail_here(cudaError_t error, const std::string& why, Location where) {
  fail(error, why + " (" + name_of(*self_) + (where.line ? " at " + to_string(where) : "") + ")");
  for (;;) switch_to_host();  // this stack is never run again
}

void BlockRunner::switch_to_thread(GpuThread& thread) {
  self_ = &thread;
  current_thread = &thread.view;
  switch_to(host_, thread);
  current_thread = nullptr;
  self_ = nullptr;
}

void BlockRunner::switch_to_host() { switch_back(*self_, host_); }

void BlockRunner::start_next(GpuThread& thread) {
  const unsigned t = order_[next_++];
  thread.view.index = {t % block_size.x, t / block_size.x % block_size.y, t / (block_size.x * block_size.y)};
  thread.view.linear = t;
  thread.view.lane = t % 32;
  thread.view.warp = t / 32;
}

void BlockRunner::thread_entry() {
  entered(host_);
  GpuThread& mine = *self_;
  for (;;) {
    work_->body();
    ++exited_;
    if (!all_started() && !failed_) {
      start_next(mine);  // on this very stack, without a switch
      continue;
    }
    idle_.push_back(&mine);
    switch_to_host();
  }
}

GpuThread& BlockRunner::idle_thread() {
  if (idle_.empty()) {
    threads_.push_back(std::make_unique<GpuThread>());
    threads_.back()->create([] { current_runner->thread_entry(); });
    return *threads_.back();
  }
  GpuThread& thread = *idle_.back();
  idle_.pop_back();
  return thread;
}

// A thread that may go on; null when a fresh one is to start or nobody can run.
GpuThread* BlockRunner::take_ready(std::mt19937_64& random) {
  if (ready_head_ == ready_.size()) {
    ready_.clear();
    ready_head_ = 0;
    return nullptr;
  }
  const Order order = options().order;
  if (order == Order::ascending) return ready_[ready_head_++];
  constexpr int kStartInstead = 4;  // one time in four
  if (order == Order::random && !all_started() && random() % kStartInstead == 0) return nullptr;
  const size_t i = order == Order::random ? random() % ready_.size() : ready_.size() - 1;
  std::swap(ready_[i], ready_.back());
  GpuThread* thread = ready_.back();
  ready_.pop_back();
  return thread;
}

void BlockRunner::begin(const BlockWork& work, uint64_t block, std::mt19937_64& random) {
  work_ = &work;
  const dim3 grid = work.grid;
  block_ = {unsigned(block % grid.x), unsigned(block / grid.x % grid.y),
            unsigned(block / (uint64_t(grid.x) * grid.y))};
  const unsigned count = work.threads.x * work.threads.y * work.threads.z;
  next_ = exited_ = 0;
  const bool resize = order_.size() != count;
  if (resize) {
    order_.resize(count);
    for (unsigned i = 0; i < count; ++i) order_[i] = i;
    if (options().order == Order::descending) std::reverse(order_.begin(), order_.end());
  }
  if (options().order == Order::random) std::shuffle(order_.begin(), order_.end(), random);
  warps_.assign((count + 31) / 32, {});
  shared_.begin(work.dynamic_bytes, block, count);
}

BlockRunner::State BlockRunner::proceed(std::mt19937_64& random) {
  current_runner = this;
  current_block = block_;
  block_size = {work_->threads.x, work_->threads.y, work_->threads.z};
  grid_size = {work_->grid.x, work_->grid.y, work_->grid.z};
  if (sanitizer.block_resume) sanitizer.block_resume(shared_.data());
  while (!failed_ && !at_grid_barrier_) {
    if (GpuThread* thread = take_ready(random)) {
      switch_to_thread(*thread);
    } else if (!all_started()) {
      GpuThread& fresh = idle_thread();
      start_next(fresh);
      switch_to_thread(fresh);
    } else if (ready_.empty()) {
      if (exited_ == order_.size()) break;
      nobody_can_run();
    }
  }
  if (sanitizer.block_pause) sanitizer.block_pause();
  current_runner = nullptr;
  return failed_ ? State::failed : at_grid_barrier_ ? State::at_grid_barrier : State::done;
}

void BlockRunner::leave_grid_barrier() {
  at_grid_barrier_ = false;
  release_barrier();
}

void BlockRunner::wait(bool for_grid, Location where) {
  self_->for_grid = for_grid;
  self_->where = where;
  at_barrier_.push_back(self_);
  switch_to_host();
}

int BlockRunner::wait_barrier(Barrier kind, int predicate, Location where) {
  GpuThread& mine = *self_;
  mine.barrier = kind;
  mine.predicate = predicate;
  wait(false, where);
  return int(mine.result);
}

void BlockRunner::wait_grid(Location where) {
  if (!work_->cooperative)
    fail_here(cudaErrorLaunchFailure, "sync_grid in a launch that is not cooperative", where);
  wait(true, where);
}

// All threads that are left wait for a barrier.
void BlockRunner::complete_barrier() {
  const GpuThread& first = *at_barrier_[0];
  const std::string divergent =
      std::string("divergent ") + (first.for_grid ? "sync_grid: " : "__syncthreads: ");
  for (const GpuThread* thread : at_barrier_)
    if (!same_place(thread->where, first.where) || thread->for_grid != first.for_grid ||
        thread->barrier != first.barrier)
      return fail(cudaErrorLaunchFailure, divergent + name_of(first) + " waits at " + to_string(first.where) +
                                              ", " + name_of(*thread) + " at " + to_string(thread->where));
  if (exited_)
    return fail(cudaErrorLaunchFailure, divergent + std::to_string(exited_) + " threads have returned, " +
                                            std::to_string(at_barrier_.size()) + " wait at " +
                                            to_string(first.where) + ", such as " + name_of(first));
  at_grid_barrier_ = first.for_grid;
  if (!at_grid_barrier_) release_barrier();
}

void BlockRunner::release_barrier() {
  uint64_t count = 0;
  for (const GpuThread* thread : at_barrier_) count += thread->predicate != 0;
  for (GpuThread* thread : at_barrier_) {
    thread->result = thread->barrier == Barrier::all   ? count == at_barrier_.size()
                     : thread->barrier == Barrier::any ? count > 0
                                                       : count;
    ready_.push_back(thread);
  }
  at_barrier_.clear();
  if (sanitizer.block_barrier) sanitizer.block_barrier();
}

void BlockRunner::nobody_can_run() {
  size_t lanes = 0;
  const GpuThread* lane = nullptr;
  for (const Warp& warp : warps_)
    for (int i = 0; i < 32; ++i)
      if (warp.waiting >> i & 1) {
        ++lanes;
        lane = warp.lanes[i];
      }
  if (!lanes) return complete_barrier();
  fail(cudaErrorLaunchFailure,
       "deadlock: " + std::to_string(lanes) +
           " lanes wait in a warp collective for lanes that never come, such as " + name_of(*lane) + " at " +
           to_string(lane->where) +
           (at_barrier_.empty() ? ""
                                : "; others wait in __syncthreads at " + to_string(at_barrier_[0]->where)));
}

uint64_t BlockRunner::wait_warp(WarpOp op, unsigned mask, uint64_t value, int source, void* pointer,
                                void (*collective)(void**), Location where) {
  GpuThread& mine = *self_;
  if (!(mask >> mine.view.lane & 1))
    fail_here(cudaErrorLaunchFailure, "warp collective: the calling lane is not in its own mask", where);
  mine.op = op;
  mine.mask = mask;
  mine.value = value;
  mine.source = source;
  mine.pointer = pointer;
  mine.collective = collective;
  mine.where = where;
  Warp& warp = warps_[mine.view.warp];
  warp.lanes[mine.view.lane] = &mine;
  warp.waiting |= 1u << mine.view.lane;
  if ((warp.waiting & mask) == mask)
    complete_warp(warp, mine);
  else
    switch_to_host();
  return mine.result;
}

// All lanes of the mask are here: do the operation for everybody.
void BlockRunner::complete_warp(Warp& warp, GpuThread& last) {
  const unsigned mask = last.mask;
  uint64_t ballot = 0;
  void* pointers[32] = {};
  for (int i = 0; i < 32; ++i) {
    if (!(mask >> i & 1)) continue;
    const GpuThread& lane = *warp.lanes[i];
    if (lane.mask != mask || lane.op != last.op || !same_place(lane.where, last.where))
      fail_here(cudaErrorLaunchFailure,
                "divergent warp collective: lane " + std::to_string(i) + " is at " + to_string(lane.where) +
                    " or has another mask",
                last.where);
    ballot |= (lane.value & 1) << i;
    pointers[i] = lane.pointer;
  }
  if (last.op == WarpOp::run) last.collective(pointers);
  for (int i = 0; i < 32; ++i) {
    if (!(mask >> i & 1)) continue;
    GpuThread& lane = *warp.lanes[i];
    lane.result = ballot;
    if (lane.op == WarpOp::shuffle) {
      if (!(mask >> lane.source & 1))
        fail_here(cudaErrorLaunchFailure,
                  "shuffle: lane " + std::to_string(i) + " reads lane " + std::to_string(lane.source) +
                      ", which is not in the mask",
                  last.where);
      lane.result = warp.lanes[lane.source]->value;
    } else if (lane.op == WarpOp::match) {
      lane.result = 0;
      for (int k = 0; k < 32; ++k)
        if ((mask >> k & 1) && warp.lanes[k]->value == lane.value) lane.result |= uint64_t{1} << k;
    }
    if (&lane != &last) ready_.push_back(&lane);
  }
  warp.waiting &= ~mask;
  if (sanitizer.warp_barrier) sanitizer.warp_barrier(last.view.warp);
}

}  // namespace kiln::emulated
