#include <kiln/tensor/cuda/stream.h>

#include "counters.h"
#include "step_counts.h"

namespace kiln::benchmarks {

StepCounts count_step(const Function<void()>& step) {
  cuda::synchronize();
  emulated::reset_counters();
  step();
  const emulated::Counters counted = emulated::counters();
  cuda::synchronize();
  return {int64_t(counted.launches), int64_t(counted.copies), int64_t(counted.synchronizations),
          int64_t(counted.allocations)};
}

}  // namespace kiln::benchmarks
