#include <doctest/doctest.h>

#include <atomic>
#include <numeric>

#include <kiln/kernels/base/cpu/onednn_threads.h>
#include <kiln/kernels/base/cpu/pool.h>

#include "threads/together.h"

using namespace kiln;
using namespace kiln::test;
namespace pool = kernels::pool;

namespace {

template <class F>
void run(int count, F f, pool::Busy busy = pool::Busy::wait) {
  pool::run(
      count, [](void* data) { (*static_cast<F*>(data))(); }, &f, busy);
}

constexpr int kRegions = kUnderThreadSanitizer ? 300 : 3000;

}  // namespace

TEST_CASE("a region calls each member once") {
  for (const int count : {1, 2, 3, 7})
    for (int repeat = 0; repeat < kRegions / 10; ++repeat) {
      std::vector<int> calls(static_cast<size_t>(count));
      run(count, [&] {
        ++calls[size_t(pool::member())];
        if (pool::members() != count || pool::inside() != (count > 1)) calls[0] += 100;
      });
      CHECK(calls == std::vector<int>(size_t(count), 1));
    }
  CHECK(pool::member() == 0);
  CHECK(pool::members() == 1);
  CHECK_FALSE(pool::inside());
}

TEST_CASE("members of a region meet at its barriers") {
  for (const int count : {2, 3}) {
    std::vector<int> written(static_cast<size_t>(count));
    std::atomic<int> wrong{0};
    run(count, [&] {
      for (int round = 1; round <= 200; ++round) {
        written[size_t(pool::member())] = round;
        pool::barrier();
        for (const int other : written) wrong += other != round;
        pool::barrier();
      }
    });
    CHECK(wrong == 0);
  }
}

TEST_CASE("a region inside a region is its member's alone") {
  std::atomic<int> calls{0};
  run(2, [&] {
    const int outer = pool::member();
    run(3, [&] { ++calls; });
    if (pool::member() != outer || pool::members() != 2) calls += 100;
  });
  CHECK(calls == 6);
}

TEST_CASE("regions of several threads at once are whole") {
  for (const pool::Busy busy : {pool::Busy::wait, pool::Busy::run_alone}) {
    std::atomic<int> wrong{0};
    together(4, [&](int) {
      for (int repeat = 0; repeat < kRegions; ++repeat) {
        int sums[3] = {};
        run(
            3, [&] { sums[pool::member()] += 1 + pool::member(); }, busy);
        wrong += sums[0] != 1 || sums[1] != 2 || sums[2] != 3;
      }
    });
    CHECK(wrong == 0);
  }
}

TEST_CASE("oneDNN computes on the pool") { CHECK(kernels::onednn::uses_pool()); }
