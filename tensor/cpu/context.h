#pragma once

#include <cstdint>

namespace kiln {

// What a CPU kernel needs to run.
struct CpuContext {
  int threads = 1;

  // This thread's context. Threads started by a data loader get one thread each.
  static CpuContext& current();
};

// Threads that kernels may use, on this thread: KILN_NUM_THREADS, else OMP_NUM_THREADS, else one a core.
int num_threads();
void set_num_threads(int threads);

}  // namespace kiln
