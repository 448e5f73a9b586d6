#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <kiln/tensor/dtype/literal.h>
#include <support/files.h>

#include "data/numbered.h"

using namespace kiln;
using namespace kiln::test;
using data::Batch;
using data::DataLoader;
using data::RandomStream;
using data::Sample;

namespace {

// Sample i: i values, and its number.
data::FunctionDataset ragged(int64_t count) {
  return data::FunctionDataset(count, [](int64_t i) {
    return Sample({from_values(std::vector<float>(size_t(i), float(i)), {i}), tensor(i)});
  });
}

// An image [1,2,3] of bytes, a mask like it, boxes, and two texts.
data::FunctionDataset scenes(int64_t count) {
  return data::FunctionDataset(count, [](int64_t i) {
    const Tensor image = from_values(std::vector<uint8_t>{uint8_t(i), 1, 2, 3, 4, 5}, {1, 2, 3});
    return Sample({image, image, tensor({float(i), 0.f, 1.f, 2.f})}, {"scene " + std::to_string(i), "a|b"});
  });
}

void flip_both(Sample& sample, RandomStream& random) {
  const data::RandomHorizontalFlip flip;
  RandomStream same = random;
  sample.tensors[0] = flip.apply(sample.tensors[0], same);
  sample.tensors[1] = flip.apply(sample.tensors[1], random);
  sample.texts[1] =
      sample.tensors[0].to_vector<float>() == sample.tensors[1].to_vector<float>() ? "same" : "differ";
}

}  // namespace

TEST_CASE("batch: any number of parts, names, texts") {
  for (const int workers : {0, 1}) {
    const DataLoader loader(
        scenes(5),
        {.batch_size = 2, .workers = workers, .names = {"image", "mask", "boxes", "title", "note"}});
    int64_t seen = 0;
    for (Batch& batch : loader) {
      auto [image, mask, boxes] = batch.parts<3>();
      const int64_t size = seen == 4 ? 1 : 2;
      CHECK(batch.size() == size);
      CHECK(image.shape() == Shape{size, 1, 2, 3});
      CHECK(boxes.shape() == Shape{size, 4});
      CHECK(batch["boxes"].raw_data() == boxes.raw_data());
      CHECK(batch["mask"].raw_data() == mask.raw_data());
      CHECK(batch.text("title")[0] == "scene " + std::to_string(seen));
      CHECK(batch.text("note").size() == size_t(size));
      CHECK(batch.texts[0] == batch.text("title"));
      CHECK(contains(error_of([&] { (void)batch["label"]; }),
                     "no tensor 'label' among the parts image, mask, boxes, title, note"));
      CHECK(contains(error_of([&] { (void)batch["title"]; }), "no tensor 'title'"));
      CHECK(contains(error_of([&] { (void)batch.text("mask"); }), "no text 'mask'"));
      CHECK(contains(error_of([&] { (void)batch.parts<4>(); }),
                     "4 parts were asked for, samples have 3 tensors"));
      seen += size;
    }
    for (auto [image, mask, boxes] : loader.epoch(0).parts<3>())
      seen += image.size(0) + (mask.size(0) - boxes.size(0));
    CHECK(seen == 10);
    for (const Batch& batch : DataLoader(numbers(3), {.batch_size = 3})) {
      const auto& [x, y] = batch;
      CHECK(y.to_vector<int64_t>() == std::vector<int64_t>{0, 1, 2});
      CHECK(x.shape() == Shape{3, 1});
      CHECK(contains(error_of([&] { (void)batch["x"]; }), "when LoaderOptions::names gives them"));
    }
  }
  CHECK(contains(error_of([] { order_of(DataLoader(numbers(3), {.names = {"x"}})); }),
                 "names has 1 entries, a batch has 2 tensors and 0 texts"));
}

TEST_CASE("transform: a function of the whole sample") {
  for (const int workers : {0, 2}) {
    const auto run = [&](int64_t batch_size, const data::AnyTransform& transform) {
      std::vector<std::vector<float>> images;
      for (const Batch& batch :
           DataLoader(scenes(64),
                      {.batch_size = batch_size, .seed = 3, .workers = workers, .transform = transform})) {
        CHECK(batch[0].to_vector<float>().size() == size_t(6 * batch.size()));
        for (const std::string& text : batch.texts[1]) CHECK(text == "same");
        const auto values = batch[1].to_vector<float>();
        for (int64_t i = 0; i < batch.size(); ++i)
          images.emplace_back(values.begin() + 6 * i, values.begin() + 6 * i + 6);
      }
      return images;
    };
    const auto images = run(8, flip_both);
    CHECK(images == run(3, flip_both));
    const auto flipped = std::ranges::count_if(images, [](const auto& image) { return image[2] != 2; });
    CHECK(flipped > 16);
    CHECK(flipped < 48);
    // In a sequence with steps of the first tensor.
    const auto mixed = run(8, data::Compose({flip_both, data::ToFloat(), data::Normalize({0.f}, {1.f})}));
    CHECK(mixed == images);
    for (const Batch& batch :
         DataLoader(scenes(2), {.batch_size = 2, .transform = data::Compose({flip_both, data::ToFloat()})})) {
      CHECK(batch[0].dtype() == float32);
      CHECK(batch[1].dtype() == uint8);
    }
    // A function of the first tensor.
    const auto twice = [](const Tensor& x, RandomStream&) { return tensor(2 * x.item<float>()); };
    for (const Batch& batch :
         DataLoader(numbers(3), {.batch_size = 3, .workers = workers, .transform = twice})) {
      CHECK(batch[0].to_vector<float>() == std::vector<float>{0, 2, 4});
      CHECK(batch[1].to_vector<int64_t>() == std::vector<int64_t>{0, 1, 2});
    }
  }
  RandomStream random(0, 0, 0);
  const data::AnyTransform none([](Sample& sample, RandomStream&) { sample.tensors.clear(); });
  CHECK(contains(error_of([&] { none->apply(tensor(1.f), random); }), "left no tensor"));
  CHECK(contains(error_of([&] {
                   order_of(DataLoader(numbers(1), {.transform = data::Compose({none, none})}));
                 }),
                 "sample 0: Compose: a step left a sample without tensors"));
}

TEST_CASE("collate: ragged samples padded") {
  for (const int workers : {0, 2}) {
    const DataLoader loader(
        ragged(5), {.batch_size = 3, .workers = workers, .collate = data::pad_collate({.value = -1})});
    std::vector<std::vector<float>> values;
    std::vector<std::vector<int64_t>> lengths;
    for (const Batch& batch : loader) {
      const auto [x, y, counts] = batch.parts<3>();
      CHECK(x.shape() == Shape{batch.size(), batch.index == 0 ? 2 : 4});
      CHECK(y.shape() == Shape{batch.size()});
      values.push_back(x.to_vector<float>());
      lengths.push_back(counts.to_vector<int64_t>());
    }
    CHECK(values == std::vector<std::vector<float>>{{-1, -1, 1, -1, 2, 2}, {3, 3, 3, -1, 4, 4, 4, 4}});
    CHECK(lengths == std::vector<std::vector<int64_t>>{{0, 1, 2}, {3, 4}});
  }
  // Two parts of them, more dimensions, any strides.
  const Tensor wide = tensor({{1, 2, 3}, {4, 5, 6}});
  const Tensor turned = from_storage(wide.impl()->storage, int64, wide.layout().transpose(0, 1));
  std::vector<Sample> samples = {Sample({turned, tensor({true})}),
                                 Sample({tensor({{7, 8}}), tensor({false, true})})};
  const Batch batch = data::pad_collate({.parts = {1, 0}})(samples);
  REQUIRE(batch.tensors.size() == 4);
  CHECK(batch[0].shape() == Shape{2, 3, 2});
  CHECK(batch[0].to_vector<int64_t>() == std::vector<int64_t>{1, 4, 2, 5, 3, 6, 7, 8, 0, 0, 0, 0});
  CHECK(batch[1].dtype() == bool8);
  CHECK(batch[1].to_vector<int64_t>() == std::vector<int64_t>{1, 0, 0, 1});
  CHECK(batch[2].to_vector<int64_t>() == std::vector<int64_t>{1, 2});
  CHECK(batch[3].to_vector<int64_t>() == std::vector<int64_t>{3, 1});
}

TEST_CASE("collate: one's own") {
  const auto sums = [](const std::vector<Sample>& samples) {
    Batch batch;
    std::vector<float> values;
    batch.texts.resize(1);
    for (const Sample& sample : samples) {
      values.push_back(sample.tensors[0].item<float>());
      batch.texts[0].push_back(std::to_string(sample.tensors[1].item<int64_t>()));
    }
    float sum = 0;
    for (const float value : values) sum += value;
    batch.tensors = {tensor(sum)};
    return batch;
  };
  for (const int workers : {0, 2}) {
    std::vector<float> seen;
    for (const Batch& batch :
         DataLoader(numbers(5), {.batch_size = 2, .workers = workers, .collate = sums})) {
      CHECK(batch.size() == int64_t(batch.texts[0].size()));
      CHECK(batch.texts[0][0] == std::to_string(2 * batch.index));
      seen.push_back(batch[0].item<float>());
    }
    CHECK(seen == std::vector<float>{1, 5, 4});
    // The default one by name does the same as none.
    const DataLoader plain(scenes(3), {.batch_size = 2});
    auto at = plain.begin();
    for (const Batch& batch : DataLoader(scenes(3), {.batch_size = 2, .collate = data::default_collate})) {
      for (size_t part = 0; part < 3; ++part)
        CHECK(batch[part].to_vector<float>() == (*at)[part].to_vector<float>());
      CHECK(batch.texts == at->texts);
      ++at;
    }
  }
}

TEST_CASE("collate: errors") {
  const auto of = [](const data::AnyDataset& dataset, const data::LoaderOptions& options) {
    return error_of([&] { order_of(DataLoader(dataset, options)); });
  };
  for (const int workers : {0, 1}) {
    CHECK(of(ragged(3), {.batch_size = 3, .workers = workers}) ==
          "data loader: sample 1: tensor 0 is float32 [1], in sample 0 of the same batch it is float32 [0]; "
          "data::pad_collate() as the loader's collate pads them");
    CHECK(of(ragged(3), {.batch_size = 3, .workers = workers, .collate = data::default_collate})
              .starts_with("data loader: the batch of samples 0, 1, 2: default_collate: sample 1: tensor 0 "
                           "is float32 [1], in"));
    CHECK(contains(
        of(ragged(20), {.batch_size = 10, .workers = workers, .collate = data::pad_collate({.parts = {1}})}),
        "the batch of samples 0, 1, 2, 3, 4, 5, 6, 7, ...: pad_collate: sample 0: tensor 1 is int64 []"));
    CHECK(contains(of(ragged(2), {.batch_size = 2, .collate = data::pad_collate({.parts = {2}})}),
                   "part 2 is to be padded, sample 0 has 2 tensors"));
  }
  const std::vector<uint8_t> one = {1}, two = {1, 2};
  std::vector<Sample> bytes = {Sample({from_values(one, {1})}), Sample({from_values(two, {2})})};
  for (const double value : {256.0, -1.0, 0.5, std::nan("")})
    CHECK(contains(error_of([&] { data::pad_collate({.value = value})(bytes); }),
                   "uint8 cannot hold the value"));
  std::vector<Sample> texts = {Sample({tensor(1)}, {"a"}), Sample({tensor(1)})};
  CHECK(contains(error_of([&] { data::default_collate(texts); }), "sample 1: it has 0 texts, sample 0"));
  std::vector<Sample> none(1);
  CHECK(contains(error_of([&] { data::default_collate(none); }), "sample 0: it has no tensors"));
  CHECK(contains(error_of([&] { data::pad_collate()(none); }), "part 0 is to be padded, sample 0 has 0"));
}

TEST_CASE("datasets: functions and concatenations") {
  const data::ConcatDataset both({numbers(3), numbers(0), data::Subset(numbers(5), {4, 2}), scenes(1)});
  CHECK(both.size() == 6);
  CHECK(both.get(2)[1].item<int64_t>() == 2);
  CHECK(both.get(3)[1].item<int64_t>() == 4);
  CHECK(both.label(4) == 2);
  CHECK(both.sample(5).texts[0] == "scene 0");
  CHECK(data::Subset(both, {5}).sample(0).texts.size() == 2);
  CHECK(order_of(DataLoader(data::ConcatDataset({numbers(3), numbers(2)}), {.batch_size = 2})) ==
        std::vector<int64_t>{0, 1, 2, 0, 1});
  CHECK(contains(error_of([&] { (void)both.get(6); }), "sample 6 is out of range, there are 6"));
  CHECK(contains(error_of([&] { (void)both.get(-1); }), "sample -1 is out of range"));
  CHECK(contains(error_of([] { data::ConcatDataset({}); }), "at least one dataset"));
  CHECK(contains(error_of([] { data::FunctionDataset(-1, [](int64_t) { return Sample(); }); }), "got -1"));
  CHECK(contains(error_of([] { data::FunctionDataset(1, {}); }), "the function is empty"));
  CHECK(contains(error_of([] { (void)ragged(2).sample(2); }), "sample 2 is out of range, there are 2"));
  struct Negative : data::Dataset {
    int64_t size() const override { return -3; }
    Tensors get(int64_t) const override { return {}; }
  };
  CHECK(contains(error_of([] { DataLoader(Negative(), {}); }), "says that it has -3 samples"));
  const data::FunctionDataset tensors(2, [](int64_t i) { return Tensors{tensor(i)}; });
  CHECK(order_of(DataLoader(tensors, {.batch_size = 2})) == std::vector<int64_t>{0, 1});
}
