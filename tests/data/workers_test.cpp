#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>

#include <kiln/tensor/dtype/literal.h>
#include <support/files.h>
#include <support/sanitizers.h>
#include <support/skip.h>

#include "data/numbered.h"

using namespace kiln;
using namespace kiln::test;
using data::DataLoader;
using Order = std::vector<int64_t>;

namespace {

// Counts what is read, and may hold readers up.
struct Watched {
  std::atomic<int64_t> reads = 0;
  std::atomic<bool> open = true;
  std::atomic<int64_t> held_from = 0;  // the first sample that waits for it
  std::mutex mutex;
  std::set<std::thread::id> threads;

  data::FunctionDataset dataset(int64_t count) {
    return data::FunctionDataset(count, [this](int64_t i) {
      {
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
      }
      ++reads;
      while (!open && i >= held_from) std::this_thread::yield();
      return Tensors{tensor(i)};
    });
  }
  // Whether so many reads come to be within ten seconds.
  bool reaches(int64_t count) const {
    for (int i = 0; i < 10'000 && reads < count; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return reads == count;
  }
};

}  // namespace

TEST_CASE("workers: live as long as the loader") {
  Watched watched;
  {
    const DataLoader loader(watched.dataset(20), {.batch_size = 2, .workers = 2});
    const DataLoader copy = loader;  // NOLINT(performance-unnecessary-copy-initialization)
    for (int64_t epoch = 0; epoch < 5; ++epoch) CHECK(order_of(epoch % 2 ? loader : copy).size() == 20);
    order_of(loader.evaluation());
    (void)copy.begin();
  }
  CHECK(watched.threads.size() <= 2);
  CHECK_FALSE(watched.threads.contains(std::this_thread::get_id()));
}

TEST_CASE("workers: go on over the end of an epoch") {
  for (const int64_t batches : {10, 3, 1}) {  // also fewer than the 4 that may be ahead
    Watched watched;
    const DataLoader loader(watched.dataset(2 * batches), {.batch_size = 2, .shuffle = true, .workers = 2});
    const Order first = order_of(loader);
    CHECK(watched.reaches(2 * batches + 2 * std::min<int64_t>(4, batches)));
    watched.open = false;  // nobody can read now, and nobody needs to
    const auto at = loader.begin();
    CHECK(at->epoch == 1);
    CHECK((*at)[0].numel() == 2);
    watched.open = true;
    const DataLoader plain(numbers(2 * batches), {.batch_size = 2, .shuffle = true});
    CHECK(first == order_of(plain));
    CHECK((*at)[0].to_vector<int64_t>() == (*plain.begin())[1].to_vector<int64_t>());
  }
}

TEST_CASE("workers: walked epochs read each sample once an epoch") {
  Watched watched;
  const DataLoader loader(watched.dataset(40), {.batch_size = 2, .shuffle = true, .workers = 2});
  for (int64_t epoch = 0; epoch < 5; ++epoch) order_of(loader.epoch(epoch));
  CHECK(watched.reaches(5 * 40 + 4 * 2));
}

TEST_CASE("workers: evaluation passes and old epochs begin nothing ahead") {
  Watched watched;
  const DataLoader loader(watched.dataset(10), {.batch_size = 2, .workers = 2});
  for (int i = 0; i < 3; ++i) order_of(loader.evaluation());
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(watched.reads == 30);
}

TEST_CASE("workers: an iteration that is left waits for nobody") {
  Watched watched;
  const DataLoader loader(watched.dataset(100), {.batch_size = 1, .workers = 2});
  for (int i = 0; i < 50; ++i) CHECK(loader.begin()->index == 0);
  CHECK(watched.reads <= 50 * 5);

  Watched held;
  held.held_from = 2;
  held.open = false;
  const DataLoader other(held.dataset(100), {.batch_size = 1, .workers = 2});
  {
    const auto at = other.begin();
    CHECK(at->index == 0);
    CHECK(held.reaches(4));  // both workers are inside a sample; `at` goes without them
  }
  held.open = true;
  CHECK(order_of(other).size() == 100);
}

TEST_CASE("workers: the end of the loader waits for the batches under way") {
  for (int i = 0; i < 100; ++i) {
    auto watched = std::make_unique<Watched>();
    {
      const DataLoader loader(watched->dataset(50), {.batch_size = 3, .workers = 3});
      int64_t batches = 0;
      for (const auto& batch : loader)
        if (batch.size() > 0 && ++batches > i % 5) break;
    }
    watched = nullptr;  // nobody reads it any more
  }
  // The iterator outlives its loader.
  auto at = DataLoader(numbers(20), {.batch_size = 2, .workers = 2}).begin();
  for (int64_t i = 0; i < 10; ++i, ++at) CHECK((*at)[1].to_vector<int64_t>()[0] == 2 * i);
  CHECK(at == data::BatchIterator::End());
}

TEST_CASE("workers: an error in the next epoch comes with that epoch") {
  std::atomic<bool> broken = false;
  const data::FunctionDataset dataset(4, [&](int64_t i) {
    if (broken && i == 2) throw std::runtime_error("the test fails");
    return Tensors{tensor(i)};
  });
  const DataLoader loader(dataset, {.batch_size = 4, .workers = 1, .prefetch = 1});
  auto at = loader.begin();
  broken = true;
  ++at;
  CHECK(at == data::BatchIterator::End());
  for (int i = 0; i < 3; ++i)
    CHECK(error_of([&] { order_of(loader); }) == "data loader: sample 2: the test fails");
  CHECK(loader.state().epoch == 1);
  broken = false;
  CHECK(order_of(loader) == Order{0, 1, 2, 3});
}

// A thread that starts after a fork of threads is more than ThreadSanitizer supports.
#ifndef __SANITIZE_THREAD__
TEST_CASE("workers: a child of fork makes loaders of its own") {
  if (kUnderAddressSanitizer)
    return skip("what locks AddressSanitizer's heap has at a fork (GCC 12's), its child keeps for ever");
  const DataLoader loader(numbers(64), {.batch_size = 1, .workers = 2});
  auto at = loader.begin();
  const pid_t child = fork();
  if (child == 0) {
    int wrong = 0;
    wrong += order_of(DataLoader(numbers(64), {.batch_size = 4, .workers = 2})).size() != 64;
    wrong += !contains(error_of([&] { order_of(loader); }), "make a new loader here");
    wrong += !contains(error_of([&] { (void)loader.state(); }), "make a new loader here");
    wrong += !contains(error_of([&] {
                         for (int i = 0; i < 60; ++i) ++at;
                       }),
                       "make a new loader here");
    {
      const auto gone = std::move(at);
      const auto copy = loader;  // NOLINT(performance-unnecessary-copy-initialization)
    }
    _exit(wrong);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(order_of(loader).size() == 64);
}
#endif
