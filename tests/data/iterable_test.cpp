#include <doctest/doctest.h>

#include <algorithm>

#include <kiln/tensor/dtype/literal.h>
#include <support/files.h>

#include "data/numbered.h"

using namespace kiln;
using namespace kiln::test;
using data::DataLoader;
using data::Sample;
using data::Shard;
using Order = std::vector<int64_t>;

namespace {

// The numbers 100 * epoch + (0 .. count - 1), each shard those that are its own.
struct Numbers : data::IterableDataset {
  explicit Numbers(int64_t n, int64_t s = -1) : count(n), said(s) {}
  Function<bool(Sample&)> iterate(const Shard& shard, int64_t epoch) const override {
    return [=, this, i = shard.index](Sample& sample) mutable {
      if (i == throws_at) throw std::runtime_error("the wire is cut");
      if (i >= count) return false;
      sample = Tensors{tensor(float(i)), tensor(100 * epoch + i)};
      i += shard.count;
      return true;
    };
  }
  int64_t size() const override { return said; }
  int64_t count, said, throws_at = -1;
};

}  // namespace

TEST_CASE("iterable: shards by turns, whatever the number of workers") {
  CHECK(order_of(DataLoader(Numbers(7), {.batch_size = 3})) == Order{0, 1, 2, 3, 4, 5, 6});
  CHECK(order_of(DataLoader(Numbers(7), {.batch_size = 3, .drop_last = true})) == Order{0, 1, 2, 3, 4, 5});
  // As PyTorch's: each worker makes its own batches, and they come in turn.
  const Order two = {0, 2, 1, 3, 4, 6, 5, 7, 8};
  CHECK(order_of(DataLoader(Numbers(9), {.batch_size = 2, .workers = 2})) == two);
  for (const int workers : {0, 1, 2, 5})
    for (const int prefetch : {1, 3})
      CHECK(order_of(DataLoader(Numbers(9),
                                {.batch_size = 2, .workers = workers, .prefetch = prefetch, .shards = 2})) ==
            two);
  // Shards that end early are left out from then on.
  CHECK(order_of(DataLoader(Numbers(4), {.batch_size = 1, .workers = 2, .shards = 3})) == Order{0, 1, 2, 3});
  CHECK(order_of(DataLoader(Numbers(0), {.workers = 2})).empty());
}

TEST_CASE("iterable: epochs, transforms, resuming") {
  const auto noisy = [](Sample& sample, data::RandomStream& random) {
    sample.tensors[0] = tensor(random.uniform());
  };
  for (const int workers : {0, 2}) {
    const data::LoaderOptions options = {
        .batch_size = 2, .seed = 4, .workers = workers, .transform = noisy, .shards = 2};
    DataLoader loader(Numbers(9), options);
    std::vector<std::vector<float>> values;
    std::vector<data::LoaderState> states;
    for (int64_t epoch = 0; epoch < 2; ++epoch)
      for (const data::Batch& batch : loader) {
        CHECK(batch.epoch == epoch);
        CHECK(batch.index == int64_t(values.size()) % 5);
        CHECK(batch[1].to_vector<int64_t>()[0] / 100 == epoch);
        states.push_back(loader.state());
        values.push_back(batch[0].to_vector<float>());
      }
    REQUIRE(values.size() == 10);
    CHECK(values[0] != values[5]);
    CHECK(loader.state() == data::LoaderState{2, 0, 4, 2, -1});
    for (size_t k = 0; k < states.size(); ++k) {
      DataLoader other(Numbers(9), options);
      other.load_state_dict([&] {
        loader.set_state(states[k]);
        return loader.state_dict();
      }());
      size_t at = k + 1;
      while (other.state().epoch < 2)
        for (const data::Batch& batch : other) {
          REQUIRE(at < values.size());
          CHECK(batch[0].to_vector<float>() == values[at++]);
        }
      CHECK(at == values.size());
    }
  }
}

TEST_CASE("iterable: sizes and errors") {
  const DataLoader unknown(Numbers(5)), known(Numbers(5, 5), {.batch_size = 2});
  CHECK(contains(error_of([&] { (void)unknown.size(); }), "does not tell its size()"));
  CHECK(contains(error_of([&] { (void)unknown.samples(); }), "does not tell its size()"));
  CHECK(contains(error_of([&] { (void)unknown.dataset(); }), "there is no dataset with indices"));
  CHECK(known.size() == 3);
  CHECK(known.samples() == 5);
  CHECK(contains(error_of([] { DataLoader(Numbers(5), {.shuffle = true}); }), "leave out shuffle"));
  CHECK(contains(error_of([] { DataLoader(Numbers(5), {.sampler = data::SequentialSampler(5)}); }),
                 "leave out sampler"));
  CHECK(contains(error_of([] { DataLoader(numbers(5), {.shards = 2}); }), "shards are parts of an Iterable"));
  CHECK(contains(error_of([] { DataLoader(Numbers(5), {.shards = -1}); }), "shards must be 0 .. 1024"));
  for (const int workers : {0, 2}) {
    Numbers bad(9);
    bad.throws_at = 5;
    Order seen;
    CHECK(error_of([&] {
            for (const auto& batch : DataLoader(bad, {.batch_size = 2, .workers = workers, .shards = 2}))
              seen.push_back(batch[1].to_vector<int64_t>()[0]);
          }) == "data loader: sample 5 (shard 1 of 2): the wire is cut");
    CHECK(seen == Order{0, 1, 4});
  }
}
