#include <kiln/tensor/cuda/graph.h>

#include <doctest/doctest.h>

#include <kiln/kernels/elementwise/fill.h>
#include <kiln/tensor/base/error.h>
#include <kiln/tensor/cuda/allocator.h>
#include <kiln/tensor/cuda/copy.h>

#include "both.h"

using namespace kiln;

namespace {

constexpr Device gpu = DeviceType::cuda;

void fill(const Tensor& x, double value) { kernels::fill(CudaContext::current(), value, x); }
void copy(const Tensor& from, const Tensor& to) {
  cuda::copy_bytes(to.raw_data(), gpu, from.raw_data(), gpu, from.numel() * 4);
}
std::vector<float> values(const Tensor& x) { return test::on_cpu(x).to_vector<float>(); }

}  // namespace

TEST_CASE("a captured step runs when it is replayed") {
  const Tensor in = empty({100}, {.device = gpu}), out = empty({100}, {.device = gpu});
  fill(in, 1);
  fill(out, 0);
  cuda::Graph graph;
  CHECK_FALSE(graph.is_captured());
  CHECK_THROWS_WITH_AS(graph.replay(), "graph: replay without a capture; call capture first", Error);
  Tensor kept;
  graph.capture([&] {
    const Tensor passing = empty({100}, {.device = gpu});
    copy(in, passing);
    kept = empty({100}, {.device = gpu});
    copy(passing, kept);
    copy(kept, out);
  });
  CHECK(graph.is_captured());
  CHECK(graph.size() == 3);
  CHECK(values(out) == std::vector<float>(100, 0));
  for (int i = 2; i < 5; ++i) {
    fill(in, i);
    // Memory of the graph is not handed out meanwhile.
    const Tensor other = empty({100}, {.device = gpu});
    fill(other, -1);
    graph.replay();
    fill(other, -2);
    CHECK(values(out) == std::vector<float>(100, float(i)));
    CHECK(values(kept) == std::vector<float>(100, float(i)));
  }
}

TEST_CASE("the memory of a graph comes back with its end") {
  cuda::empty_cache();
  const auto before = cuda::memory_statistics();
  {
    cuda::Graph graph;
    const auto step = [] { fill(empty({1 << 20}, {.device = gpu}), 1); };
    graph.capture(step);
    CHECK(cuda::memory_statistics().graph_bytes > 0);
    const auto first = cuda::memory_statistics();
    graph.replay();
    graph.replay();
    CHECK(cuda::memory_statistics().allocations == first.allocations);
    graph.capture(step);
    graph.replay();
  }
  CHECK(cuda::memory_statistics().graph_bytes == 0);
  CHECK(cuda::memory_statistics().allocated_bytes == before.allocated_bytes);
  cuda::empty_cache();
  CHECK(cuda::memory_statistics().reserved_bytes == before.reserved_bytes);
}

TEST_CASE("one graph after the other takes no more memory than one") {
  cuda::empty_cache();
  constexpr int64_t kCount = int64_t(8) << 20;
  const Tensor out = empty({kCount}, {.device = gpu});
  const auto step = [&] {
    const Tensor passing = empty({kCount}, {.device = gpu}), small = empty({100}, {.device = gpu});
    fill(small, 1);
    fill(passing, 2);
    copy(passing, out);
  };
  step();
  const auto before = cuda::memory_statistics();
  for (int i = 0; i < 3; ++i) {
    cuda::Graph graph;
    graph.capture(step);  // what the step left in the cache is enough
    step();
    graph.replay();
    cuda::synchronize();
    if (i > 0) CHECK(cuda::memory_statistics().driver_allocations == before.driver_allocations + 2);
  }
  const auto after = cuda::memory_statistics();
  CHECK(after.driver_allocations == before.driver_allocations + 2);  // of the step beside the first graph
  CHECK(after.allocated_bytes == before.allocated_bytes);
  CHECK(values(out) == std::vector<float>(size_t(kCount), 2));
}

TEST_CASE("a capture that is given up leaves the cache as it was") {
  cuda::empty_cache();
  constexpr int64_t kBytes = int64_t(32) << 20;
  cuda::release(cuda::allocate(kBytes, gpu), gpu);
  const auto before = cuda::memory_statistics();
  cuda::Graph graph;
  CHECK_THROWS_WITH(graph.capture([] {
    cuda::release(cuda::allocate(kBytes, gpu), gpu);
    throw Error("given up");
  }),
                    "given up");
  cuda::release(cuda::allocate(kBytes, gpu), gpu);
  CHECK(cuda::memory_statistics().driver_allocations == before.driver_allocations);
}

TEST_CASE("what cannot be captured is an error, and the device stays usable") {
  const Tensor x = empty({10}, {.device = gpu});
  cuda::Graph graph;
  CHECK_THROWS_AS(graph.capture([&] {
    fill(x, 1);
    cuda::synchronize();
  }),
                  Error);
  CHECK_FALSE(graph.is_captured());
  CHECK_THROWS_AS(graph.capture([&] { values(x); }), Error);
  CHECK_THROWS_WITH_AS(graph.capture([&] { cuda::Graph().capture([] {}); }),
                       "graph: another graph is being captured on cuda:0", Error);
  CHECK_THROWS_WITH_AS(graph.capture([] { throw Error("mine"); }), "mine", Error);
  CHECK_THROWS_WITH_AS(graph.capture([] { cuda::empty_cache(); }),
                       "empty_cache: not while a graph is captured on cuda:0", Error);
  fill(x, 7);
  CHECK(values(x) == std::vector<float>(10, 7));
  graph.capture([&] { fill(x, 8); });
  graph.replay();
  CHECK(values(x) == std::vector<float>(10, 8));
}
