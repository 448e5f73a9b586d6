#pragma once

#include <kiln/tensor/base/build_config.h>
#include <kiln/tensor/base/function.h>
#include <kiln/tensor/device/device.h>
#include <kiln/tensor/random.h>
#include <kiln/tensor/storage.h>

// Internal: for what keeps numbers on the host that change from step to step, while a cuda::Graph
// records the step.

namespace kiln {

namespace cuda {
bool thread_captures();
// f is called on the host before each replay of the graph that this thread captures, the stream of the replay
// being the current one. What it refers to must live as long as the graph.
void before_replay(Function<void()> f);
PhiloxStart draw_in_capture(Generator& generator, int64_t count);
// Device memory for the host to fill before each replay. The graph's own memory would not do: what lies there
// may be written by work that was recorded earlier.
Ref<Storage> allocate_for_replays(int64_t bytes);
}  // namespace cuda

// Whether this thread captures a graph: nothing runs now, and numbers of the host are recorded as they are.
inline bool is_capturing() {
  if constexpr (kCudaBuilt) return cuda::thread_captures();
  return false;
}

// Where the numbers for `count` draws of 32 bits start, for an op on `device`.
inline PhiloxStart draw(Generator& generator, int64_t count, Device device) {
  if constexpr (kCudaBuilt)
    if (device.is_cuda() && cuda::thread_captures()) return cuda::draw_in_capture(generator, count);
  return generator.advance(count);
}

}  // namespace kiln
