#include <cuda_runtime.h>

#include <atomic>
#include <map>
#include <memory>
#include <numeric>
#include <thread>

#include <kiln/kernels/base/cuda/gpu.cuh>

#include "api.h"
#include "gpu_grid.cuh"
#include "grid/cooperative.h"
#include "memory.h"
#include "options.h"
#include "sanitizer_hooks.h"
#include "symbols.h"

namespace kiln::emulated {
namespace {

constexpr unsigned kMaxThreads = 1024, kMaxDepth = 64, kMaxGridY = 65535, kMaxGridX = 0x7fffffff;

bool is_valid(const dim3& grid, const dim3& block) {
  const auto within = [](unsigned n, unsigned most) { return n >= 1 && n <= most; };
  return within(grid.x, kMaxGridX) && within(grid.y, kMaxGridY) && within(grid.z, kMaxGridY) &&
         within(block.x, kMaxThreads) && within(block.y, kMaxThreads) && within(block.z, kMaxDepth) &&
         uint64_t(block.x) * block.y * block.z <= kMaxThreads;
}

struct Grid {
  Location where;
  const void* kernel;
  BlockWork work;
};

// The blocks, handed out one by one.
class GridRun {
 public:
  GridRun(const BlockWork& work_of_blocks, std::mt19937_64& random)
      : work_(work_of_blocks), count_(blocks_of(work_.grid)), seed_(random()) {
    // Blocks in a scattered order that needs no table: steps of a number that has no divisor in common with
    // the count.
    if (options().order == Order::random && count_ > 1) {
      start_ = seed_ % count_;
      for (step_ = 1 + random() % (count_ - 1); std::gcd(step_, count_) != 1;)
        step_ = step_ % (count_ - 1) + 1;
    }
  }

  Failure run() {
    const int most = sanitizer.access ? 1 : options().workers;
    const int workers = int(std::min<uint64_t>(unsigned(most), count_));
    std::vector<std::jthread> others;
    for (int w = 1; w < workers; ++w) others.emplace_back([this, w] { work(w); });
    work(0);
    others.clear();
    return failure_;
  }

 private:
  uint64_t block_number(uint64_t i) const {
    __extension__ using Wide = unsigned __int128;
    if (options().order == Order::descending) return count_ - 1 - i;
    return options().order == Order::random && count_ > 1 ? uint64_t((Wide(i) * step_ + start_) % count_) : i;
  }

  void work(int worker) {
    static thread_local std::unique_ptr<BlockRunner> runner;
    if (!runner) runner = std::make_unique<BlockRunner>();
    std::mt19937_64 random(seed_ + uint64_t(worker));
    for (uint64_t i; (i = next_++) < count_;) {
      runner->begin(work_, block_number(i), random);
      if (runner->proceed(random) == BlockRunner::State::done) continue;
      const std::lock_guard lock(mutex_);
      if (failure_.error == cudaSuccess) failure_ = runner->failure();
      next_ = count_;
      runner.reset();  // its stacks hold threads that were left where they failed
      return;
    }
  }

  const BlockWork& work_;
  uint64_t count_, seed_, start_ = 0, step_ = 1;
  std::atomic<uint64_t> next_ = 0;
  std::mutex mutex_;
  Failure failure_ = no_failure();
};

Failure run_grid(const Grid& grid) {
  Runtime& runtime = Runtime::get();
  const DeviceAccess open;
  ++runtime.counters.kernels;
  if (sanitizer.launch_begin) sanitizer.launch_begin(grid.kernel);
  Failure failure = grid.work.cooperative ? run_cooperative(grid.work, runtime.random)
                                          : GridRun(grid.work, runtime.random).run();
  const std::string problem = sanitizer.launch_end ? sanitizer.launch_end() : "";
  if (failure.error == cudaSuccess && !problem.empty())
    failure = {cudaErrorLaunchFailure, "GPU sanitizer: " + problem};
  if (failure.error == cudaSuccess) {
    failure.message = check_red_zones();
    if (!failure.message.empty()) failure.error = cudaErrorIllegalAddress;
  }
  if (failure.error != cudaSuccess)
    failure.message =
        function_name(grid.kernel) + ", launched at " + to_string(grid.where) + ": " + failure.message;
  return failure;
}

std::map<const void*, int>& dynamic_shared_limits() {
  static std::map<const void*, int> limits;
  return limits;
}

}  // namespace

void set_dynamic_shared_limit(const void* kernel, int bytes) { dynamic_shared_limits()[kernel] = bytes; }

int dynamic_shared_limit(const void* kernel) {
  const auto it = dynamic_shared_limits().find(kernel);
  return it == dynamic_shared_limits().end() ? kStaticSharedBytes : it->second;
}

namespace {

cudaError_t enqueue(Runtime& runtime, const gpu::Launch& at, const void* kernel, BlockWork work) {
  if (!is_valid(at.grid, at.block)) return cudaErrorInvalidConfiguration;
  if (at.shared_bytes > size_t(dynamic_shared_limit(kernel))) return cudaErrorInvalidValue;
  if (work.cooperative && blocks_of(at.grid) > blocks_at_once(at.block, at.shared_bytes))
    return cudaErrorCooperativeLaunchTooLarge;
  const Stream* stream = runtime.find(at.stream);
  if (stream && stream->device != runtime.device()) return cudaErrorInvalidResourceHandle;
  if (stream && !stream->capture) ++runtime.counters.launches;
  return runtime.submit(at.stream,
                        [grid = Grid{at.where, kernel, std::move(work)}] { return run_grid(grid); });
}

}  // namespace

cudaError_t enqueue_launch(const gpu::Launch& at, const void* kernel, std::function<void()> body) {
  return api([&](Runtime& runtime) {
    return enqueue(runtime, at, kernel, {std::move(body), at.grid, at.block, at.shared_bytes, false});
  });
}

cudaError_t enqueue_cooperative(const gpu::Launch& at, const void* kernel, std::function<void()> body) {
  return api([&](Runtime& runtime) {
    if (!options().cooperative) return cudaErrorNotSupported;
    return enqueue(runtime, at, kernel, {std::move(body), at.grid, at.block, at.shared_bytes, true});
  });
}

}  // namespace kiln::emulated
