#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include <kiln/kernels/base/primitives.h>
#include <kiln/kiln.h>
#include <kiln/tensor/cuda/stream.h>

using namespace kiln;

namespace {

constexpr Device gpu = DeviceType::cuda;

std::vector<float> compute(const Tensor& x, const Tensor& w) {
  const NoGrad scope;
  return matmul(conv2d(x, w), ones({6, 6}, {.device = gpu})).to(cpu).to_vector<float>();
}

}  // namespace

TEST_CASE("threads that come and go share handles and plans") {
  const Tensor x = ones({1, 2, 8, 8}).to(gpu), w = ones({4, 2, 3, 3}).to(gpu);
  const std::vector<float> want = compute(x, w);
  const int64_t before = kernels::primitives_created();
  for (int i = 0; i < 20; ++i) std::thread([&] { CHECK(compute(x, w) == want); }).join();
  CHECK(kernels::primitives_created() == before);
}

TEST_CASE("threads compute at once, with plans as many as there are threads") {
  constexpr int kThreads = 4, kRounds = 10;
  const Tensor x = ones({1, 2, 8, 8}).to(gpu), w = ones({4, 2, 3, 3}).to(gpu);
  const std::vector<float> want = compute(x, w);
  const int64_t before = kernels::primitives_created();
  for (int round = 0; round < kRounds; ++round) {
    int right[kThreads] = {};
    std::vector<std::thread> threads;
    for (int& mine : right) threads.emplace_back([&] { mine = compute(x, w) == want; });
    for (std::thread& thread : threads) thread.join();
    for (const int mine : right) CHECK(mine == 1);
  }
  CHECK(kernels::primitives_created() <= before + 2 * (kThreads - 1));
}
