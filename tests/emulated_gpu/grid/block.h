#pragma once

// Runs the blocks of a launch, one at a time on each thread of the host.

#include <cuda_runtime.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "device_code.h"
#include "grid/fiber.h"
#include "grid/shared_arena.h"

namespace kiln::emulated {

// Where a kernel failed and why.
struct Failure {
  cudaError_t error = cudaErrorLaunchFailure;
  std::string message;
};

// A GPU thread and the stack it runs on. A thread that never waits leaves the stack to the next one, so
// kernels without barriers run as a plain loop.
struct GpuThread : Fiber {
  ThreadView view{};
  // While it waits at `where`: for a barrier or in a warp collective
  Location where;
  Barrier barrier = Barrier::sync;
  bool for_grid = false;  // the barrier is of all blocks
  int predicate = 0;
  WarpOp op = WarpOp::sync;
  unsigned mask = 0;
  uint64_t value = 0;
  int source = 0;
  void* pointer = nullptr;
  void (*collective)(void**) = nullptr;
  uint64_t result = 0;
};

struct Warp {
  unsigned waiting = 0;  // lanes in a collective
  GpuThread* lanes[32];
};

// What the blocks of a launch have in common.
struct BlockWork {
  std::function<void()> body;  // one GPU thread's work
  dim3 grid, threads;
  size_t dynamic_bytes = 0;
  bool cooperative = false;
};

inline uint64_t blocks_of(dim3 grid) { return uint64_t(grid.x) * grid.y * grid.z; }

// A block after another on one thread of the host.
class BlockRunner {
 public:
  enum class State { done, at_grid_barrier, failed };

  // Starts block number `block`; `work` stays where it is meanwhile.
  void begin(const BlockWork& work, uint64_t block, std::mt19937_64& random);
  // Runs the block to its end or to a barrier of the grid. A failure ends the runner's use.
  State proceed(std::mt19937_64& random);
  // All blocks have come to the barrier of the grid.
  void leave_grid_barrier();
  const Failure& failure() const { return failure_; }
  const Location& grid_barrier() const { return at_barrier_[0]->where; }
  std::string name() const;

  // For the GPU thread that runs
  int wait_barrier(Barrier kind, int predicate, Location where);
  void wait_grid(Location where);
  uint64_t wait_warp(WarpOp op, unsigned mask, uint64_t value, int source, void* pointer,
                     void (*collective)(void**), Location where);
  [[noreturn]] void fail_here(cudaError_t error, const std::string& why, Location where);
  SharedArena& shared() { return shared_; }
  GpuThread& self() { return *self_; }
  void thread_entry();

 private:
  bool all_started() const { return next_ == order_.size(); }
  void start_next(GpuThread& thread);
  GpuThread& idle_thread();
  GpuThread* take_ready(std::mt19937_64& random);
  void switch_to_thread(GpuThread& thread);
  void switch_to_host();
  void wait(bool for_grid, Location where);
  void nobody_can_run();
  void complete_barrier();
  void release_barrier();
  void complete_warp(Warp& warp, GpuThread& last);
  void fail(cudaError_t error, std::string why);
  std::string name_of(const GpuThread& thread) const;

  HostStack host_;
  std::vector<std::unique_ptr<GpuThread>> threads_;
  std::vector<GpuThread*> idle_, ready_, at_barrier_;
  size_t ready_head_ = 0;  // when the first to come is the first to go
  std::vector<unsigned> order_;
  size_t next_ = 0, exited_ = 0;
  std::vector<Warp> warps_;
  SharedArena shared_;
  const BlockWork* work_ = nullptr;
  uint3 block_{};
  GpuThread* self_ = nullptr;
  bool failed_ = false, at_grid_barrier_ = false;
  Failure failure_;
};

// Of this thread of the host, while it runs a block.
extern __thread BlockRunner* current_runner;

std::string to_string(const Location& where);
bool same_place(const Location& a, const Location& b);

}  // namespace kiln::emulated
