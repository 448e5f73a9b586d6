#include <kiln/tensor/cuda/allocator.h>
#include <kiln/tensor/cuda/launches.h>
#include <kiln/tensor/cuda/stream.h>

#include "step_counts.h"

namespace kiln::benchmarks {

StepCounts count_step(const Function<void()>& step) {
  cuda::synchronize();
  const uint64_t before = cuda::launches();
  const int64_t allocations = cuda::memory_statistics().driver_allocations;
  step();
  StepCounts counts;
  counts.launches = int64_t(cuda::launches() - before);
  counts.allocations = cuda::memory_statistics().driver_allocations - allocations;
  cuda::synchronize();
  return counts;
}

}  // namespace kiln::benchmarks
