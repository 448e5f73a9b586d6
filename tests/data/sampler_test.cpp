#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include <support/files.h>

#include "data/numbered.h"

using namespace kiln;
using namespace kiln::test;
using data::DataLoader;
using Order = std::vector<int64_t>;
using Batches = std::vector<Order>;

namespace {

Order sorted(Order order) {
  std::ranges::sort(order);
  return order;
}

Order upto(int64_t count) {
  Order order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

struct Given : data::Sampler {
  explicit Given(Order with, int64_t says = -1) : given(std::move(with)), said(says) {}
  int64_t size() const override { return said < 0 ? int64_t(given.size()) : said; }
  Order order(uint64_t, int64_t) const override { return given; }
  Order given;
  int64_t said;
};

struct GivenBatches : data::BatchSampler {
  explicit GivenBatches(Batches with, int64_t says = -1) : given(std::move(with)), said(says) {}
  int64_t size() const override { return said < 0 ? int64_t(given.size()) : said; }
  Batches batches(uint64_t, int64_t epoch) const override {
    Batches turned = given;
    std::rotate(turned.begin(), turned.begin() + epoch % 2, turned.end());
    return turned;
  }
  Batches given;
  int64_t said;
};

}  // namespace

TEST_CASE("samplers: sequential and random") {
  CHECK(data::SequentialSampler(4).order(1, 2) == upto(4));
  const data::RandomSampler random(100);
  CHECK(random.size() == 100);
  CHECK(random.order(3, 0) == random.order(3, 0));
  CHECK(random.order(3, 0) != random.order(3, 1));
  CHECK(random.order(3, 0) != random.order(4, 0));
  CHECK(sorted(random.order(3, 0)) == upto(100));
  // What shuffle does.
  CHECK(random.order(3, 5) == order_of(DataLoader(numbers(100), {.shuffle = true, .seed = 3}).epoch(5)));

  const Order more = data::RandomSampler(4, {.num_samples = 10}).order(0, 0);
  CHECK(more.size() == 10);
  CHECK(sorted({more.begin(), more.begin() + 4}) == upto(4));
  CHECK(sorted({more.begin() + 4, more.begin() + 8}) == upto(4));
  CHECK(more[8] != more[9]);
  CHECK(data::RandomSampler(100, {.num_samples = 7}).order(3, 0).size() == 7);

  std::vector<int64_t> seen(5);
  for (const int64_t i : data::RandomSampler(5, {.replacement = true, .num_samples = 5000}).order(0, 0))
    ++seen[size_t(i)];
  for (const int64_t count : seen) CHECK(std::abs(count - 1000) < 150);  // 5 standard deviations

  CHECK(sorted(data::SubsetRandomSampler({7, 3, 9}).order(0, 0)) == Order{3, 7, 9});
  CHECK(data::SubsetRandomSampler(upto(50)).order(0, 0) != upto(50));
}

TEST_CASE("samplers: weighted draws have the weights' frequencies") {
  const std::vector<double> weights = {0, 1, 3, 0, 4, 0};
  std::vector<int64_t> seen(6);
  for (const int64_t i : data::WeightedRandomSampler(weights, 8000).order(1, 0)) ++seen[size_t(i)];
  for (size_t i = 0; i < weights.size(); ++i)
    CHECK(std::abs(double(seen[i]) - weights[i] * 1000) <= 5 * std::sqrt(weights[i] * 1000));

  // Without replacement, pairs come as often as two draws one after the other say.
  const std::vector<double> three = {1, 2, 5};
  const data::WeightedRandomSampler pairs(three, 2, {.replacement = false});
  std::map<std::pair<int64_t, int64_t>, int64_t> found;
  for (int64_t epoch = 0; epoch < 8000; ++epoch) {
    const Order order = pairs.order(0, epoch);
    REQUIRE(order.size() == 2);
    ++found[{order[0], order[1]}];
  }
  for (int64_t a = 0; a < 3; ++a)
    for (int64_t b = 0; b < 3; ++b) {
      const double wa = three[size_t(a)], wb = three[size_t(b)];
      const double expected = a == b ? 0 : 8000 * wa / 8 * wb / (8 - wa);
      CHECK(std::abs(double(found[{a, b}]) - expected) <= 5 * std::sqrt(expected));
    }
  CHECK(sorted(data::WeightedRandomSampler(weights, 3, {.replacement = false}).order(0, 0)) ==
        Order{1, 2, 4});
}

TEST_CASE("samplers: the parts of a distributed run are PyTorch's") {
  struct Row {
    int64_t size;
    bool drop_last;
    Batches parts;
  };
  const Row rows[] = {
      // made by make_distributed.py
      {1, false, {{0}, {0}, {0}, {0}}},
      {1, true, {{}, {}, {}, {}}},
      {5, false, {{0, 2, 4}, {1, 3, 0}}},
      {5, true, {{0, 2}, {1, 3}}},
      {5, false, {{0, 3}, {1, 4}, {2, 0}}},
      {5, true, {{0}, {1}, {2}}},
      {5, false, {{0}, {1}, {2}, {3}, {4}, {0}, {1}}},
      {5, true, {{}, {}, {}, {}, {}, {}, {}}},
      {8, false, {{0, 4}, {1, 5}, {2, 6}, {3, 7}}},
      {8, true, {{0, 4}, {1, 5}, {2, 6}, {3, 7}}},
      {10, false, {{0, 4, 8}, {1, 5, 9}, {2, 6, 0}, {3, 7, 1}}},
      {10, true, {{0, 4}, {1, 5}, {2, 6}, {3, 7}}},
  };
  for (const Row& row : rows)
    for (size_t rank = 0; rank < row.parts.size(); ++rank) {
      const data::DistributedSampler part(row.size, {.num_replicas = int64_t(row.parts.size()),
                                                     .rank = int64_t(rank),
                                                     .shuffle = false,
                                                     .drop_last = row.drop_last});
      CHECK(part.order(0, 0) == row.parts[rank]);
      CHECK(part.size() == int64_t(row.parts[rank].size()));
    }
  // Shuffled, the parts are one permutation together, another one each epoch.
  std::set<Order> firsts;
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    Order all;
    for (int64_t rank = 0; rank < 3; ++rank) {
      const Order part = data::DistributedSampler(12, {.num_replicas = 3, .rank = rank}).order(5, epoch);
      all.insert(all.end(), part.begin(), part.end());
      if (rank == 0) firsts.insert(part);
    }
    CHECK(sorted(all) == upto(12));
  }
  CHECK(firsts.size() == 3);
}

TEST_CASE("samplers: batches by length") {
  Order lengths;
  for (int64_t i = 0; i < 103; ++i) lengths.push_back(i * 37 % 103);
  const data::LengthBatchSampler plain(lengths, {.batch_size = 10, .shuffle = false});
  CHECK(plain.size() == 11);
  int64_t last = 0;
  for (const Order& batch : plain.batches(0, 0))
    for (const int64_t i : batch) {
      CHECK(lengths[size_t(i)] >= last);
      last = lengths[size_t(i)];
    }
  for (const bool drop_last : {false, true})
    for (const int64_t pool : {1, 3, 50}) {
      const data::LengthBatchSampler sampler(lengths,
                                             {.batch_size = 10, .drop_last = drop_last, .pool = pool});
      const auto batches = sampler.batches(1, 0);
      CHECK(int64_t(batches.size()) == sampler.size());
      CHECK(sampler.size() == (drop_last ? 10 : 11));
      CHECK(batches == sampler.batches(1, 0));
      CHECK(batches != sampler.batches(1, 1));
      Order all;
      for (const Order& batch : batches) {
        all.insert(all.end(), batch.begin(), batch.end());
        CHECK(std::ranges::is_sorted(
            batch, [&](int64_t a, int64_t b) { return lengths[size_t(a)] > lengths[size_t(b)]; }));
        if (pool == 50 && batch.size() == 10)
          CHECK(lengths[size_t(batch.front())] - lengths[size_t(batch.back())] == 9);
      }
      CHECK(std::set(all.begin(), all.end()).size() == (drop_last ? 100 : 103));
    }
}

TEST_CASE("samplers: in a loader") {
  for (const int workers : {0, 2}) {
    const DataLoader mine(numbers(10),
                          {.batch_size = 2, .sampler = Given({9, 0, 0, 4, 1}), .workers = workers});
    CHECK(mine.size() == 3);
    CHECK(mine.samples() == 10);
    CHECK(order_of(mine) == Order{9, 0, 0, 4, 1});
    CHECK(DataLoader(numbers(10), {.batch_size = 2, .sampler = Given({9, 0, 0}), .drop_last = true}).size() ==
          1);

    const DataLoader batches(
        numbers(10), {.batch_sampler = GivenBatches(Batches{{1}, {5, 4, 3}, {2, 2}}), .workers = workers});
    CHECK(batches.size() == 3);
    Batches seen;
    for (int64_t epoch = 0; epoch < 2; ++epoch)
      for (const data::Batch& batch : batches) seen.push_back(batch[1].to_vector<int64_t>());
    CHECK(seen == Batches{{1}, {5, 4, 3}, {2, 2}, {5, 4, 3}, {2, 2}, {1}});

    // Resumed in the middle of an epoch of draws.
    const data::LoaderOptions options = {.batch_size = 4,
                                         .sampler = data::WeightedRandomSampler({1, 2, 3, 4, 5}, 22),
                                         .seed = 8,
                                         .workers = workers};
    DataLoader whole(numbers(5), options), rest(numbers(5), options);
    const Order all = order_of(whole.epoch(3));
    auto at = whole.epoch(3).begin();
    ++at;
    rest.set_state(at.state());
    CHECK(order_of(rest.epoch(3)) == Order(all.begin() + 8, all.end()));
  }
}

TEST_CASE("samplers: errors") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const auto weighted = [](std::vector<double> weights, int64_t count, bool replacement = true) {
    return error_of([&] { data::WeightedRandomSampler(weights, count, {.replacement = replacement}); });
  };
  CHECK(contains(weighted({}, 3), "the sum of the 0 weights is 0"));
  CHECK(contains(weighted({0, 0}, 3), "the sum of the 2 weights is 0"));
  CHECK(contains(weighted({1, -1}, 3), "weight 1 is -1; weights are numbers from 0 on"));
  CHECK(contains(weighted({nan}, 3), "weight 0 is nan"));
  CHECK(contains(weighted({inf}, 3), "weight 0 is inf"));
  CHECK(contains(weighted({1e308, 1e308}, 3), "the sum of the 2 weights is inf"));
  CHECK(contains(weighted({1, 1}, 0), "num_samples must be 1 .. "));
  CHECK(contains(weighted({1, 0}, 2, false), "2 samples cannot be drawn without replacement, 1 of the 2"));
  CHECK(contains(error_of([] { data::SequentialSampler(-1); }), "SequentialSampler: size must be 0 .. "));
  CHECK(contains(error_of([] { data::RandomSampler(-1); }), "RandomSampler: size must be 0 .. "));
  CHECK(contains(error_of([] { data::RandomSampler(0, {.num_samples = 1}); }), "nothing to draw from"));
  CHECK(
      contains(error_of([] { data::RandomSampler(3, {.num_samples = INT64_MIN}); }), "num_samples must be"));
  CHECK(
      contains(error_of([] { data::RandomSampler(3, {.num_samples = INT64_MAX}); }), "num_samples must be"));
  CHECK(contains(error_of([] { data::SubsetRandomSampler({1, -2}); }), "index -2 is negative"));
  CHECK(
      contains(error_of([] { data::DistributedSampler(3, {.num_replicas = 0}); }), "num_replicas must be 1"));
  CHECK(contains(error_of([] { data::DistributedSampler(3, {.num_replicas = 2, .rank = 2}); }),
                 "rank 2 is not in 0 .. 1"));
  CHECK(contains(error_of([] { data::LengthBatchSampler({1, -1}); }), "length -1 of sample 1 is negative"));
  CHECK(contains(error_of([] { data::LengthBatchSampler({1}, {.batch_size = 0}); }), "batch_size must be 1"));

  const auto of = [](const data::LoaderOptions& options) {
    return error_of([&] { order_of(DataLoader(numbers(4), options)); });
  };
  for (const int workers : {0, 1}) {
    CHECK(contains(of({.sampler = Given({0, 4}), .workers = workers}),
                   "the sampler gave index 4 at place 1 of epoch 0, the dataset has 4 samples"));
    CHECK(contains(of({.sampler = Given({-1}), .workers = workers}), "index -1 at place 0"));
    CHECK(contains(of({.sampler = Given({0}, 2), .workers = workers}),
                   "the sampler gave 1 indices for epoch 0, its size() says 2"));
    CHECK(contains(of({.batch_sampler = GivenBatches(Batches{{0}, {}}), .workers = workers}),
                   "an empty batch, number 1 of epoch 0"));
    CHECK(contains(of({.batch_sampler = GivenBatches(Batches{{0, 9}}), .workers = workers}),
                   "gave index 9 at place 1"));
    CHECK(contains(of({.batch_sampler = GivenBatches(Batches{{0}}, 3), .workers = workers}),
                   "1 batches for epoch 0"));
  }
  CHECK(contains(of({.shuffle = true, .sampler = Given({0})}), "sampler and shuffle exclude each other"));
  CHECK(contains(of({.batch_size = 2, .batch_sampler = GivenBatches(Batches{{0}})}), "leave out batch_size"));
  CHECK(contains(of({.shuffle = true, .batch_sampler = GivenBatches(Batches{{0}})}), "leave out shuffle"));
  CHECK(
      contains(of({.batch_sampler = GivenBatches(Batches{{0}}), .drop_last = true}), "leave out drop_last"));
}
