#include "grid/cooperative.h"

#include <algorithm>
#include <new>

#include "options.h"
#include "sanitizer_hooks.h"

namespace kiln::emulated {
namespace {

using Runners = std::vector<std::unique_ptr<BlockRunner>>;

// The runners of all blocks, in the order in which they go on. They keep their stacks for the next launch.
Runners& runners(size_t count) {
  static thread_local Runners all;
  while (all.size() < count) all.push_back(std::make_unique<BlockRunner>());
  return all;
}

void put_in_order(std::vector<BlockRunner*>& blocks, std::mt19937_64& random) {
  if (options().order == Order::random) std::shuffle(blocks.begin(), blocks.end(), random);
}

Failure divergence(const std::string& what) {
  return {cudaErrorLaunchFailure, "divergent sync_grid: " + what};
}

// Why the blocks that wait at a barrier may not go on, or no failure.
Failure check_barrier(const std::vector<BlockRunner*>& waiting, size_t blocks) {
  const BlockRunner& first = *waiting[0];
  if (waiting.size() < blocks)
    return divergence(std::to_string(blocks - waiting.size()) + " blocks have returned, " +
                      std::to_string(waiting.size()) + " wait at " + to_string(first.grid_barrier()) +
                      ", such as " + first.name());
  for (const BlockRunner* block : waiting)
    if (!same_place(block->grid_barrier(), first.grid_barrier()))
      return divergence(first.name() + " waits at " + to_string(first.grid_barrier()) + ", " + block->name() +
                        " at " + to_string(block->grid_barrier()));
  return {cudaSuccess, ""};
}

Failure run(const BlockWork& work, std::mt19937_64& random) {
  const size_t count = blocks_of(work.grid);
  const Runners& all = runners(count);
  std::vector<BlockRunner*> blocks, waiting;
  for (size_t i = 0; i < count; ++i) {
    all[i]->begin(work, options().order == Order::descending ? count - 1 - i : i, random);
    blocks.push_back(all[i].get());
  }
  for (;;) {
    put_in_order(blocks, random);
    waiting.clear();
    for (BlockRunner* block : blocks) {
      const BlockRunner::State state = block->proceed(random);
      if (state == BlockRunner::State::failed) return block->failure();
      if (state == BlockRunner::State::at_grid_barrier) waiting.push_back(block);
    }
    if (waiting.empty()) return {cudaSuccess, ""};
    if (Failure failure = check_barrier(waiting, count); failure.error != cudaSuccess) return failure;
    for (BlockRunner* block : waiting) block->leave_grid_barrier();
    if (sanitizer.grid_barrier) sanitizer.grid_barrier();
  }
}

}  // namespace

Failure run_cooperative(const BlockWork& work, std::mt19937_64& random) {
  Failure failure;
  try {
    failure = run(work, random);
  } catch (const std::bad_alloc&) {  // 64 KiB of addresses and two mappings each
    failure.message = "no memory for the stacks of so many GPU threads at once; KILN_GPU_PROCESSORS is less";
  }
  if (failure.error != cudaSuccess) runners(0).clear();  // their stacks hold threads that were left
  return failure;
}

int blocks_of_processor(int threads, size_t dynamic_shared_bytes) {
  constexpr int kWarp = 32;
  const int rounded = (threads + kWarp - 1) / kWarp * kWarp;
  const int by_shared = kSharedPerProcessor / (int(dynamic_shared_bytes) + kReservedShared);
  return std::min({kMaxThreadsPerProcessor / rounded, kMaxBlocksPerProcessor, by_shared});
}

uint64_t blocks_at_once(dim3 block, size_t dynamic_shared_bytes) {
  const int threads = int(block.x * block.y * block.z);
  return uint64_t(options().processors) * unsigned(blocks_of_processor(threads, dynamic_shared_bytes));
}

}  // namespace kiln::emulated
