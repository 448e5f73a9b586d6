#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include <kiln/data/data.h>
#include <kiln/tensor/cpu/allocator.h>
#include <kiln/tensor/cpu/context.h>
#include <kiln/tensor/dtype/literal.h>
#include <kiln/tensor/value/value.h>

#include "data/files.h"

using namespace kiln;
using namespace kiln::test;
using data::DataLoader;

namespace {

// Images of bytes, and the sample's number as its label.
data::TensorDataset numbered(int64_t count) {
  Tensor images = empty({count, 3, 6, 6}, {.dtype = uint8}), labels = empty({count}, {.dtype = int64});
  for (int64_t i = 0; i < images.numel(); ++i) images.data<uint8_t>()[i] = uint8_t(i * 31);
  for (int64_t i = 0; i < count; ++i) labels.data<int64_t>()[i] = i;
  return data::TensorDataset({images, labels});
}

struct Squares : data::Dataset {
  int64_t size() const override { return 50; }
  Tensors get(int64_t index) const override {
    if (index == throws_at) throw std::runtime_error("the disk is gone");
    return {tensor({float(index), float(index * index)}), tensor(index)};
  }
  int64_t throws_at = -1;
};

const data::Compose kAugment({data::RandomCrop(6, {.padding = 2}), data::RandomHorizontalFlip(),
                              data::ToFloat()});

struct Seen {
  std::vector<std::vector<float>> images;
  std::vector<std::vector<int64_t>> labels;
  bool operator==(const Seen&) const = default;
};

template <class Range>
Seen watch(const Range& range) {
  Seen seen;
  for (auto& [x, y] : range) {
    seen.images.push_back(x.template to_vector<float>());
    seen.labels.push_back(y.template to_vector<int64_t>());
  }
  return seen;
}

std::vector<int64_t> flat(const Seen& seen) {
  std::vector<int64_t> all;
  for (const auto& part : seen.labels) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

TEST_CASE("loader: plain order, sizes, drop_last") {
  const DataLoader loader(numbered(10), {.batch_size = 4});
  CHECK(loader.size() == 3);
  CHECK(loader.samples() == 10);
  const Seen seen = watch(loader);
  CHECK(flat(seen) == std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(seen.labels[2].size() == 2);
  CHECK(DataLoader(numbered(10), {.batch_size = 4, .drop_last = true}).size() == 2);
  CHECK(watch(DataLoader(numbered(10), {.batch_size = 4, .drop_last = true})).labels.size() == 2);
  CHECK(watch(DataLoader(numbered(3), {.batch_size = 4, .drop_last = true, .workers = 2})).labels.empty());
  CHECK(watch(DataLoader(numbered(0), {.batch_size = 4, .shuffle = true})).labels.empty());
  for (const data::Batch& batch : DataLoader(numbered(4), {.batch_size = 4})) {
    CHECK(batch.size() == 4);
    CHECK(batch[0].dtype() == uint8);
    CHECK(batch[0].shape() == Shape{4, 3, 6, 6});
    CHECK(batch[0].to_vector<int64_t>()[5] == 155);
    CHECK(batch[1].shape() == Shape{4});
    CHECK(contains(error_of([&] { (void)batch[2]; }), "part 2 was asked for, samples have 2 tensors"));
  }
}

TEST_CASE("loader: a shuffled epoch has each sample once, and another order than the next") {
  const DataLoader loader(numbered(101), {.batch_size = 8, .shuffle = true, .seed = 3});
  const auto first = flat(watch(loader.epoch(0))), second = flat(watch(loader.epoch(1)));
  CHECK(first != second);
  CHECK(first == flat(watch(loader.epoch(0))));
  for (auto order : {first, second}) {
    std::sort(order.begin(), order.end());
    for (int64_t i = 0; i < 101; ++i) CHECK(order[size_t(i)] == i);
  }
  CHECK(first != flat(watch(DataLoader(numbered(101), {.batch_size = 8, .shuffle = true, .seed = 4}))));
}

TEST_CASE("loader: any number of workers gives the same bits") {
  for (const bool user : {false, true}) {
    const data::AnyDataset dataset = user ? data::AnyDataset(Squares()) : data::AnyDataset(numbered(50));
    const data::AnyTransform transform = user ? data::AnyTransform() : data::AnyTransform(kAugment);
    const auto run = [&](int workers, int prefetch) {
      const DataLoader loader(dataset, {.batch_size = 3,
                                        .shuffle = true,
                                        .workers = workers,
                                        .prefetch = prefetch,
                                        .transform = transform});
      return std::pair(watch(loader.epoch(0)), watch(loader.epoch(7)));
    };
    const auto expected = run(0, 2);
    CHECK(expected.first.labels.size() == 17);
    for (const int workers : {1, 2, 4})
      for (const int prefetch : {1, 3}) CHECK(run(workers, prefetch) == expected);
  }
}

TEST_CASE("loader: augmentation changes with the epoch, not with the batch size") {
  const auto image_of = [](int64_t batch_size, int64_t epoch, int64_t sample) {
    const DataLoader loader(numbered(20), {.batch_size = batch_size, .shuffle = true, .transform = kAugment});
    for (auto& [x, y] : loader.epoch(epoch))
      for (int64_t i = 0; i < y.numel(); ++i)
        if (y.data<int64_t>()[i] == sample) {
          const auto values = x.to_vector<float>();
          return std::vector(values.begin() + i * 108, values.begin() + (i + 1) * 108);
        }
    return std::vector<float>();
  };
  int changed = 0;
  for (int64_t sample = 0; sample < 20; ++sample) {
    CHECK(image_of(3, 0, sample) == image_of(7, 0, sample));
    changed += image_of(3, 0, sample) != image_of(3, 1, sample);
  }
  CHECK(changed > 15);
}

TEST_CASE("loader: resumed anywhere equals uninterrupted") {
  for (const int workers : {0, 2}) {
    const auto make = [&] {
      return DataLoader(
          numbered(23),
          {.batch_size = 4, .shuffle = true, .seed = 9, .workers = workers, .transform = kAugment});
    };
    std::vector<std::vector<float>> expected;
    std::vector<data::LoaderState> states;
    const DataLoader whole = make();
    states.push_back(whole.state());
    for (int64_t epoch = 0; epoch < 2; ++epoch)
      for (auto& [x, y] : whole.epoch(epoch)) {
        expected.push_back(x.to_vector<float>());
        states.push_back(whole.state());
      }
    CHECK(whole.state() == data::LoaderState{2, 0, 9, 4, 23});
    for (size_t k = 0; k < states.size(); ++k) {
      DataLoader loader = make();
      loader.set_state(states[k]);
      size_t at = k;
      for (int64_t epoch = loader.state().epoch; epoch < 2; ++epoch)
        for (auto& batch : loader.epoch(epoch)) {
          REQUIRE(at < expected.size());
          CHECK(batch.epoch == int64_t(at / 6));
          CHECK(batch.index == int64_t(at % 6));
          CHECK(batch[0].to_vector<float>() == expected[at++]);
        }
      CHECK(at == expected.size());
    }
  }
}

TEST_CASE("loader: the state as a part of a checkpoint") {
  const data::LoaderOptions options = {.batch_size = 4, .shuffle = true, .seed = ~uint64_t(0)};
  DataLoader loader(numbered(23), options), other(numbered(23), options);
  other.load_state_dict(loader.state_dict());
  auto at = loader.epoch(3).begin();
  ++at;
  CHECK(loader.state() == data::LoaderState{3, 2, ~uint64_t(0), 4, 23});
  other.load_state_dict(loader.state_dict());
  CHECK(other.state() == loader.state());
  CHECK(contains(error_of([&] { other.load_state_dict(Value::dict({{"epoch", 1}})); }), "'batch'"));
}

TEST_CASE("loader: a loop that was left starts anew, and epochs follow each other") {
  for (const int workers : {0, 1, 3}) {
    const DataLoader loader(numbered(40), {.batch_size = 4, .shuffle = true, .workers = workers});
    const Seen all = watch(loader.epoch(0));
    DataLoader other(numbered(40), {.batch_size = 4, .shuffle = true, .workers = workers});
    for (auto& [x, y] : other) {
      CHECK(y.to_vector<int64_t>() == all.labels[0]);
      break;
    }
    CHECK(other.state().batch == 1);
    CHECK(watch(other) == all);
    CHECK(other.state().epoch == 1);
    CHECK(watch(other) == watch(loader.epoch(1)));
    CHECK(contains(error_of([&] { (void)loader.epoch(-1); }), "epoch must be at least 0"));
  }
}

TEST_CASE("loader: an exception names the sample and comes after the batches before it") {
  for (const int workers : {0, 1, 4}) {
    Squares dataset;
    dataset.throws_at = 17;
    const DataLoader loader(dataset, {.batch_size = 5, .workers = workers});
    int64_t batches = 0;
    const std::string message = error_of([&] {
      for (auto& [x, y] : loader) batches += x.size(0) == 5;
    });
    CHECK(message == "data loader: sample 17: the disk is gone");
    CHECK(batches == 3);
  }
}

TEST_CASE("loader: samples of different kinds") {
  struct Odd : data::Dataset {
    int kind = 0;
    explicit Odd(int k) : kind(k) {}
    int64_t size() const override { return 3; }
    Tensors get(int64_t i) const override {
      if (i < 2) return {tensor({1.f, 2.f})};
      if (kind == 0) return {tensor({1.f})};
      if (kind == 1) return {tensor({1, 2})};
      if (kind == 2) return {tensor({1.f, 2.f}), tensor(1)};
      if (kind == 3) return {Tensor()};
      return {};
    }
  };
  const char* messages[] = {
      "sample 2: tensor 0 is float32 [1], in sample 0 of the same batch it is float32 [2]",
      "sample 2: tensor 0 is int64 [2], in sample 0", "sample 2: it has 2 tensors, sample 0",
      "sample 2: its tensors must be defined", "sample 2: it has no tensors"};
  for (int kind = 0; kind < 5; ++kind) {
    const std::string message = error_of([&] { watch(DataLoader(Odd(kind), {.batch_size = 3})); });
    CAPTURE(message);
    CHECK(contains(message, messages[kind]));
  }
}

TEST_CASE("loader: strided samples are stacked in their logical order") {
  struct Transposed : data::Dataset {
    int64_t size() const override { return 4; }
    Tensors get(int64_t i) const override {
      const Tensor x = tensor({{{0.f + float(i), 1.f, 2.f}, {3.f, 4.f, 5.f}}});
      return {from_storage(x.impl()->storage, float32, x.layout().transpose(1, 2))};
    }
  };
  for (const MemoryFormat format : {MemoryFormat::channels_last, MemoryFormat::contiguous})
    for (auto& batch : DataLoader(Transposed(), {.batch_size = 2, .memory_format = format})) {
      CHECK(batch[0].shape() == Shape{2, 1, 3, 2});
      const auto values = batch[0].to_vector<float>();
      const float first = float(2 * batch.index);
      CHECK(values == std::vector<float>{first, 3, 1, 4, 2, 5, first + 1, 3, 1, 4, 2, 5});
    }
}

TEST_CASE("loader: batches that are kept are not overwritten, others use their memory again") {
  for (const int workers : {0, 2}) {
    const DataLoader loader(numbered(64), {.batch_size = 4, .workers = workers, .transform = kAugment});
    Tensors kept;
    for (auto& [x, y] : loader) kept.push_back(y);
    for (int64_t i = 0; i < 16; ++i) CHECK(kept[size_t(i)].to_vector<int64_t>()[3] == 4 * i + 3);

    std::set<const void*> addresses;
    for (auto& [x, y] : loader) addresses.insert(x.raw_data());
    CHECK(addresses.size() <= size_t(workers == 0 ? 1 : 2 * workers + workers + 2));
  }
}

TEST_CASE("loader: many epochs ask the system for no more memory") {
  const DataLoader loader(numbered(256),
                          {.batch_size = 64, .shuffle = true, .workers = 2, .transform = kAugment});
  for (int64_t epoch = 0; epoch < 20; ++epoch) watch(loader.epoch(epoch));
  const int64_t before = host::memory_statistics().held_bytes;
  for (int64_t epoch = 20; epoch < 120; ++epoch)
    for (auto& [x, y] : loader.epoch(epoch)) (void)x;
  CHECK(host::memory_statistics().held_bytes - before < 1 << 20);
}

TEST_CASE("loader: workers compute with one thread") {
  struct Threads : data::Dataset {
    int64_t size() const override { return 2; }
    Tensors get(int64_t) const override { return {tensor(num_threads())}; }
  };
  for (auto& batch : DataLoader(Threads(), {.batch_size = 1, .workers = 1}))
    CHECK(batch[0].item<int64_t>() == 1);
}

TEST_CASE("loader: options and states that make no sense") {
  CHECK(contains(error_of([] { DataLoader(numbered(4), {.batch_size = 0}); }),
                 "batch_size must be at least 1, got 0"));
  CHECK(contains(error_of([] { DataLoader(numbered(4), {.workers = -1}); }),
                 "workers must be 0 .. 1024, got -1"));
  CHECK(contains(error_of([] { DataLoader(numbered(4), {.prefetch = 0}); }),
                 "prefetch must be 1 .. 1024, got 0"));
  DataLoader loader(numbered(10), {.batch_size = 4});
  const data::LoaderState good = loader.state();
  auto bad = good;
  bad.batch = 4;
  CHECK(contains(error_of([&] { loader.set_state(bad); }), "an epoch has 3 batches"));
  bad = good;
  bad.batch_size = 5;
  CHECK(contains(error_of([&] { loader.set_state(bad); }),
                 "batch size 5 and seed 0, this loader has 10, 4 and 0"));
  CHECK(contains(error_of([] {
                   DataLoader(numbered(4), {.transform = data::Compose(
                                                {data::ToFloat(), data::Normalize({0.f, 0.f}, {1.f, 1.f})})});
                 }),
                 "has 2 means"));
}
