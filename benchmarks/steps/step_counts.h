#pragma once

#include <cstdint>
#include <optional>

#include <kiln/tensor/base/function.h>

namespace kiln::benchmarks {

// What a training step asks of the GPU; nothing where that cannot be counted.
struct StepCounts {
  int64_t launches = 0;                     // by the host: of kernels, of cuDNN and cuBLASLt, of graphs
  std::optional<int64_t> copies;            // and fills
  std::optional<int64_t> synchronizations;  // calls that wait for the device
  int64_t allocations = 0;                  // from the driver
};

// Of one call of `step`, which has run before, so that caches are full. On the emulated device the emulator
// counts; on a GPU Kiln its launches and segments of memory.
StepCounts count_step(const Function<void()>& step);

}  // namespace kiln::benchmarks
