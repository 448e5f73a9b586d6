#include <doctest/doctest.h>
#include <fmt/format.h>

#include <kiln/kiln.h>
#include <kiln/nn/models/resnet.h>
#include <kiln/tensor/cuda/allocator.h>
#include <kiln/tensor/cuda/graph.h>
#include <kiln/tensor/cuda/stream.h>

#include "counters.h"

using namespace kiln;
using emulated::Counters;

namespace {

constexpr Device gpu = DeviceType::cuda;

// What one more step asks of the device, after some that filled the caches.
template <class F>
Counters counted(const char* what, F&& step) {
  cuda::synchronize();
  emulated::reset_counters();
  step();
  const Counters c = emulated::counters();
  cuda::synchronize();
  fmt::print("{}: {} launches, {} copies, {} synchronizations, {} allocations\n", what, c.launches, c.copies,
             c.synchronizations, c.allocations);
  return c;
}

}  // namespace

TEST_CASE("a training step of ResNet-18 launches little, waits for nothing and allocates nothing") {
  for (const MemoryFormat order : {MemoryFormat::contiguous, MemoryFormat::channels_last}) {
    const bool best = order == MemoryFormat::channels_last;
    auto net = nn::models::resnet18({.num_classes = 10});
    net.to(gpu).to(order);
    optim::SGD optimizer(net.parameters(), {.lr = 0.01, .momentum = 0.9, .weight_decay = 1e-4});
    const Tensor x = randn({2, 3, 32, 32}, {.memory_format = MemoryFormat::channels_last}).to(gpu),
                 y = tensor({3, 7}).to(gpu);
    const auto step = [&] {
      optimizer.zero_grad();
      const Tensor loss = cross_entropy(net(x), y);
      loss.backward();
      optimizer.step();
    };
    step();
    step();
    const Counters usual = counted(best ? "resnet18, step" : "resnet18 in row-major order, step", step);
    CHECK(usual.launches <= 130);
    CHECK(usual.synchronizations == 0);
    CHECK(usual.allocations == 0);

    cuda::Graph graph;
    graph.capture(step);
    graph.replay();
    const Counters replayed = counted("resnet18, step as a graph", [&] { graph.replay(); });
    CHECK(replayed.launches == 1);
    CHECK(replayed.synchronizations == 0);
    CHECK(replayed.allocations == 0);
  }
}
