#pragma once

// Internal, for sources only: oneDNN on the pool's threads.

#include <kiln/tensor/cpu/context.h>

namespace kiln::kernels::onednn {

// Creation and execution of primitives ask their OpenMP runtime how many threads there are, and for them.
// While this lives on a thread, the answer is ctx.threads, and they are the pool's.
//
// A runtime of its own beside the pool's threads would fight with them. So the first scope of a process
// replaces, in oneDNN's table of imported functions and nowhere else, the six of OpenMP that it calls; calls
// outside a scope go on to OpenMP as before. Where there is no such table (an oneDNN with another runtime),
// only the number is set.
class ThreadsScope {
 public:
  explicit ThreadsScope(const CpuContext& ctx);
  ~ThreadsScope();
  ThreadsScope(const ThreadsScope&) = delete;
  ThreadsScope& operator=(const ThreadsScope&) = delete;

 private:
  int before_;
};

// Whether oneDNN computes on the pool.
bool uses_pool();

}  // namespace kiln::kernels::onednn
