#pragma once

#include <cstddef>
#include <cstdint>

namespace kiln::emulated {

enum class Order { ascending, descending, random };

// How the emulated device behaves; read once from the environment. docs/cuda-without-a-gpu.md lists the
// names.
struct Options {
  Order order = Order::random;      // KILN_GPU_ORDER: of blocks, and of threads between two barriers
  uint64_t seed = 1;                // KILN_GPU_SEED: of that, and of the order of streams
  bool lazy = true;                 // KILN_GPU_LAZY=0: streams run at once; so does CUDA_LAUNCH_BLOCKING=1
  bool protect = true;              // KILN_GPU_PROTECT=0: host code may touch device memory
  bool poison = true;               // KILN_GPU_POISON=0: fresh memory is zero instead of NaN
  int workers = 1;                  // KILN_GPU_WORKERS: threads of the host that run the blocks of a launch
  int devices = 1;                  // KILN_GPU_DEVICES, less those that CUDA_VISIBLE_DEVICES hides
  int processors = 4;               // KILN_GPU_PROCESSORS: few, since all that they hold may be alive at once
  bool cooperative = true;          // KILN_GPU_COOPERATIVE=0: no launches whose blocks wait for each other
  size_t memory = size_t{8} << 30;  // KILN_GPU_MEMORY, in MiB: of each device
};

const Options& options();

inline constexpr size_t kStackBytes = 64 * 1024;  // of a GPU thread
inline constexpr int kStaticSharedBytes = 48 * 1024;
// Of sm_90. Dynamic memory is after opting in.
inline constexpr int kDynamicSharedBytes = 227 * 1024, kSharedPerProcessor = 228 * 1024,
                     kReservedShared = 1024;
inline constexpr int kMaxThreadsPerProcessor = 2048, kMaxBlocksPerProcessor = 32;

}  // namespace kiln::emulated
