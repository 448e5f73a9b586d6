#include <doctest/doctest.h>
#include <fmt/format.h>

#include <kiln/kiln.h>
#include <kiln/models/residual/resnet.h>
#include <kiln/tensor/cuda/graph.h>
#include <kiln/tensor/cuda/launches.h>

#include "step_counts.h"

using namespace kiln;
using Counters = benchmarks::StepCounts;

namespace {

constexpr Device gpu = DeviceType::cuda;

// What one more step asks of the device, after some that filled the caches.
template <class F>
Counters counted(const std::string& what, F&& step) {
  const uint64_t before = cuda::launches();
  const Counters c = benchmarks::count_step(step);
  CHECK(c.launches == int64_t(cuda::launches() - before));  // what is counted where there is no emulator
  fmt::print("{}: {} launches, {} copies, {} synchronizations, {} allocations\n", what, c.launches,
             c.copies.value(), c.synchronizations.value(), c.allocations);
  return c;
}

}  // namespace

// Images of ImageNet's size have batch norms of one block a channel and of several.
TEST_CASE("a training step of ResNet-18 launches little, waits for nothing and allocates nothing") {
  for (const int64_t size : {32, 224})
    for (const MemoryFormat order : {MemoryFormat::contiguous, MemoryFormat::channels_last}) {
      const bool best = order == MemoryFormat::channels_last;
      if (!best && size > 32) continue;
      auto net = nn::models::resnet18({.num_classes = 10});
      net.to(gpu).to(order);
      optim::SGD optimizer(net.parameters(), {.lr = 0.01, .momentum = 0.9, .weight_decay = 1e-4});
      const Tensor x = randn({2, 3, size, size}, {.memory_format = MemoryFormat::channels_last}).to(gpu),
                   y = tensor({3, 7}).to(gpu);
      const auto step = [&] {
        optimizer.zero_grad();
        const Tensor loss = cross_entropy(net(x), y);
        loss.backward();
        optimizer.step();
      };
      step();
      step();
      const std::string what =
          fmt::format("resnet18, {0}x{0}{1}, step", size, best ? "" : ", row-major order");
      const Counters usual = counted(what, step);
      CHECK(usual.launches <= 130);
      CHECK(usual.synchronizations == 0);
      CHECK(usual.allocations == 0);

      cuda::Graph graph;
      graph.capture(step);
      graph.replay();
      const Counters replayed = counted(what + " as a graph", [&] { graph.replay(); });
      CHECK(replayed.launches == 1);
      CHECK(replayed.synchronizations == 0);
      CHECK(replayed.allocations == 0);
    }
}
