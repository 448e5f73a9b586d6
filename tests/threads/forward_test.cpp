#include <doctest/doctest.h>

#include <atomic>

#include "threads/together.h"

using namespace kiln;
using namespace kiln::test;

namespace {

constexpr int kThreads = 4, kRuns = kUnderThreadSanitizer ? 20 : 100;

bool same(const Tensor& a, const Tensor& b) { return a.to_vector<float>() == b.to_vector<float>(); }

}  // namespace

TEST_CASE("threads run forward on one module") {
  for (const bool recorded : {true, false}) {
    manual_seed(1);
    ConvNet net;
    net.eval();
    const Tensor x = randn({2, 3, 12, 12});
    std::vector<float> want;
    {
      ConvNet copy = net;  // the first call of `net` itself is a thread's
      want = copy(x).to_vector<float>();
    }
    std::atomic<int> wrong{0};
    together(kThreads, [&](int) {
      set_grad_enabled(recorded);
      for (int run = 0; run < kRuns; ++run) wrong += net(x).to_vector<float>() != want;
    });
    CHECK(wrong == 0);
  }
}

TEST_CASE("threads share a parameter that has no node yet") {
  for (int run = 0; run < kRuns * 5; ++run) {
    nn::Linear net(16, 16);
    const Tensor x = ones({2, 16});
    std::atomic<int> wrong{0};
    together(2, [&](int) { wrong += !net(x).requires_grad(); });
    CHECK(wrong == 0);
  }
}

TEST_CASE("each thread may meet geometries that nobody met before") {
  const Tensor w = randn({8, 3, 3, 3}), a = randn({48, 48});
  std::atomic<int> wrong{0};
  together(kThreads, [&](int thread) {
    const NoGrad scope;
    for (int64_t size = 5; size < 15; ++size) {
      const Tensor x = ones({1 + thread % 2, 3, size, size});
      wrong += !same(conv2d(x, w), conv2d(x, w));
      const Tensor b = a.narrow(1, 0, 2 * size);
      wrong += !same(matmul(a, b), matmul(a, b));
    }
  });
  CHECK(wrong == 0);
}
