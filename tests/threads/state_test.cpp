#include <doctest/doctest.h>

#include <algorithm>

#include <kiln/tensor/cpu/context.h>

#include "threads/together.h"

using namespace kiln;
using namespace kiln::test;

TEST_CASE("a new thread starts with the defaults, and what it sets is its own") {
  const int threads = num_threads();
  const NoGrad no_grad;
  const Autocast amp(bfloat16, true);
  set_num_threads(threads + 1);
  together(1, [&](int) {
    CHECK(grad_enabled());
    CHECK_FALSE(autocast_enabled());
    CHECK(factory_device() == cpu);
    CHECK(num_threads() == threads);
    set_grad_enabled(true);
    set_num_threads(threads + 2);
  });
  CHECK_FALSE(grad_enabled());
  CHECK(autocast_enabled());
  CHECK(num_threads() == threads + 1);
  set_num_threads(threads);
}

TEST_CASE("the default generator gives each number once") {
  constexpr int kThreads = 4, kEach = kUnderThreadSanitizer ? 500 : 20'000;
  std::vector<float> got[kThreads];
  manual_seed(0);
  together(kThreads, [&](int thread) {
    for (int i = 0; i < kEach; ++i) got[thread].push_back(rand({1}).item<float>());
  });
  std::vector<float> have, want;
  for (const auto& list : got) have.insert(have.end(), list.begin(), list.end());
  manual_seed(0);
  for (int i = 0; i < kThreads * kEach; ++i) want.push_back(rand({1}).item<float>());
  std::ranges::sort(have);
  std::ranges::sort(want);
  CHECK(have == want);
}

TEST_CASE("the number of threads changes nothing in Kiln's own kernels") {
  manual_seed(3);
  const Tensor x = randn({300, 500});
  const int threads = num_threads();
  std::vector<std::vector<float>> results;
  for (const int count : {1, 2, 5}) {
    set_num_threads(count);
    results.push_back(softmax(x, 1).to_vector<float>());
    results.back().push_back(x.sum().item<float>());
    results.back().push_back((x * x).mean().item<float>());
  }
  set_num_threads(threads);
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
}
