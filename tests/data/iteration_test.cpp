#include <doctest/doctest.h>

#include <cstdint>
#include <thread>

#include <support/files.h>

#include "data/numbered.h"

using namespace kiln;
using namespace kiln::test;
using data::DataLoader;
using data::LoaderState;
using Order = std::vector<int64_t>;

namespace {

DataLoader shuffled(int workers, int64_t count = 30) {
  return DataLoader(numbers(count), {.batch_size = 4, .shuffle = true, .seed = 2, .workers = workers});
}

std::vector<Order> epochs_of(int64_t count) {
  std::vector<Order> orders;
  for (int64_t epoch = 0; epoch < count; ++epoch) orders.push_back(order_of(shuffled(0).epoch(epoch)));
  return orders;
}

}  // namespace

TEST_CASE("iteration: evaluation passes between epochs, and inside them, move nothing") {
  const std::vector<Order> expected = epochs_of(4);
  for (const int workers : {0, 1, 3}) {
    const DataLoader loader = shuffled(workers);
    for (int64_t epoch = 0; epoch < 4; ++epoch) {
      Order order;
      for (const data::Batch& batch : loader) {
        for (const int64_t i : batch[1].to_vector<int64_t>()) order.push_back(i);
        const LoaderState before = loader.state();
        if (batch.index == 2) CHECK(order_of(loader.evaluation()) == expected[0]);
        if (batch.index == 3) (void)loader.evaluation(7).begin();
        CHECK(loader.state() == before);
      }
      CHECK(order == expected[size_t(epoch)]);
      CHECK(loader.state().epoch == epoch + 1);
      CHECK(order_of(loader.evaluation()) == expected[0]);
      CHECK(loader.state() == LoaderState{epoch + 1, 0, 2, 4, 30});
    }
  }
}

TEST_CASE("iteration: a loop inside another one leaves that one's place and epochs alone") {
  const std::vector<Order> expected = epochs_of(3);
  for (const int workers : {0, 1, 3})
    for (const int kind : {0, 1, 2, 3}) {
      const DataLoader loader = shuffled(workers);
      for (int64_t epoch = 0; epoch < 3; ++epoch) {
        Order order;
        for (const data::Batch& batch : loader) {
          for (const int64_t i : batch[1].to_vector<int64_t>()) order.push_back(i);
          const LoaderState before = loader.state();
          CHECK(before.batch == batch.index + 1);
          if (kind == 0) CHECK(order_of(loader).size() == 30);
          if (kind == 1) CHECK(order_of(loader.epoch(2)) == expected[2]);
          if (kind == 2) CHECK(loader.begin()->index == 0);
          if (kind == 3) CHECK(order_of(loader.epoch(0)) == expected[0]);
          CHECK(loader.state() == before);
        }
        CHECK(order == expected[size_t(epoch)]);
        CHECK(loader.state() == LoaderState{epoch + 1, 0, 2, 4, 30});
      }
    }
}

TEST_CASE("iteration: two at the same time are independent") {
  const std::vector<Order> expected = epochs_of(2);
  for (const int workers : {0, 2}) {
    const DataLoader loader = shuffled(workers);
    const DataLoader copy = loader;  // NOLINT(performance-unnecessary-copy-initialization)
    auto a = loader.epoch(0).begin();
    auto b = copy.epoch(1).begin();
    Order first, second;
    while (!(a == data::BatchIterator::End()) || !(b == data::BatchIterator::End())) {
      for (int step = 0; step < 2 && !(a == data::BatchIterator::End()); ++step, ++a)
        for (const int64_t i : (*a)[1].to_vector<int64_t>()) first.push_back(i);
      if (b == data::BatchIterator::End()) continue;
      CHECK(b.state().epoch == 1);
      CHECK(b.state().batch == b->index + 1);
      for (const int64_t i : (*b)[1].to_vector<int64_t>()) second.push_back(i);
      ++b;
    }
    CHECK(first == expected[0]);
    CHECK(second == expected[1]);
    CHECK(loader.state().epoch == 2);
  }
}

TEST_CASE("iteration: threads read one loader at the same time") {
  const std::vector<Order> expected = epochs_of(4);
  for (const int workers : {0, 2}) {
    const DataLoader loader = shuffled(workers);
    std::vector<std::thread> threads;
    std::vector<Order> seen(8);
    for (size_t i = 0; i < seen.size(); ++i)
      threads.emplace_back([&, i] { seen[i] = order_of(loader.epoch(int64_t(i) % 4)); });
    for (std::thread& thread : threads) thread.join();
    for (size_t i = 0; i < seen.size(); ++i) CHECK(seen[i] == expected[i % 4]);
  }
}

TEST_CASE("iteration: an old epoch that is looked at again does not turn the loader back") {
  const std::vector<Order> expected = epochs_of(3);
  const DataLoader loader = shuffled(2);
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    CHECK(order_of(loader) == expected[size_t(epoch)]);
    if (epoch > 0) CHECK(order_of(loader.epoch(0)) == expected[0]);
    if (epoch > 1) CHECK((*loader.epoch(1).begin())[1].to_vector<int64_t>()[0] == expected[1][0]);
    CHECK(loader.state().epoch == epoch + 1);
  }
}

TEST_CASE("iteration: an iterator that is kept does not hold the epochs up") {
  const std::vector<Order> expected = epochs_of(3);
  const DataLoader loader = shuffled(2);
  const auto kept = loader.begin();
  for (const Order& order : expected) CHECK(order_of(loader) == order);
  CHECK((*kept)[1].to_vector<int64_t>()[0] == expected[0][0]);
}

TEST_CASE("iteration: resumed after evaluation passes, and when epochs end or begin ahead") {
  for (const int workers : {0, 2}) {
    const std::vector<Order> expected = epochs_of(4);
    for (int64_t stop = 1; stop <= 9; ++stop) {  // 8 batches an epoch
      DataLoader first = shuffled(workers), second = shuffled(workers);
      auto at = first.epoch(1).begin();
      while (at.state().epoch == 1 && at.state().batch < stop) ++at;
      const LoaderState saved = at.state();
      CHECK(saved == first.state());
      // Something else first: workers have begun other epochs by then.
      order_of(second);
      order_of(second);
      second.set_state(saved);
      CHECK(second.state() == saved);
      order_of(second.evaluation());
      Order rest;
      for (int64_t epoch = saved.epoch; epoch < 4; ++epoch)
        for (const int64_t i : order_of(second)) rest.push_back(i);
      Order all;
      for (int64_t epoch = 1; epoch < 4; ++epoch)
        all.insert(all.end(), expected[size_t(epoch)].begin(), expected[size_t(epoch)].end());
      const int64_t done = std::min<int64_t>(30, 4 * stop);
      CHECK(rest == Order(all.begin() + done, all.end()));
    }
  }
}

TEST_CASE("iteration: a state that is set while another iteration is under way") {
  DataLoader loader = shuffled(1);
  auto at = loader.begin();
  const LoaderState there{2, 3, 2, 4, 30};
  loader.set_state(there);
  ++at;
  CHECK(at.state() == LoaderState{0, 2, 2, 4, 30});
  CHECK(loader.state() == there);
  const Order order = order_of(shuffled(0).epoch(2));
  CHECK(order_of(loader) == Order(order.begin() + 12, order.end()));
}

TEST_CASE("iteration: epochs and states that make no sense") {
  DataLoader loader = shuffled(0);
  for (const int64_t epoch : {int64_t(-1), int64_t(1) << 56, INT64_MIN, INT64_MAX}) {
    CHECK(contains(error_of([&] { (void)loader.epoch(epoch); }), "epoch must be at least 0 and below"));
    CHECK(contains(error_of([&] { (void)loader.evaluation(epoch); }), "epoch must be at least 0 and below"));
    CHECK(contains(error_of([&] { loader.set_state({epoch, 0, 2, 4, 30}); }), "the state stands at epoch"));
  }
  CHECK(contains(error_of([&] { loader.set_state({0, INT64_MAX, 2, 4, 30}); }), "an epoch has 8 batches"));
  CHECK(order_of(loader.epoch((int64_t(1) << 56) - 1)).size() == 30);
}
