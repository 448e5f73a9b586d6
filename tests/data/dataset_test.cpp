#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <kiln/data/data.h>
#include <kiln/tensor/dtype/literal.h>

#include "data/files.h"

using namespace kiln;
using namespace kiln::test;
using data::random_split;
using data::Subset;
using data::TensorDataset;

namespace {

// So many samples of each label, in order.
TensorDataset with_labels(const std::vector<int64_t>& counts) {
  std::vector<int64_t> labels;
  for (size_t label = 0; label < counts.size(); ++label)
    labels.insert(labels.end(), size_t(counts[label]), int64_t(label));
  const int64_t size = int64_t(labels.size());
  std::vector<float> x(labels.size());
  for (int64_t i = 0; i < size; ++i) x[size_t(i)] = float(i);
  return TensorDataset({from_values(x, {size, 1}), from_values(labels, {size})}, {"a", "b", "c"});
}

}  // namespace

TEST_CASE("tensor dataset") {
  const Tensor x = tensor({{1.f, 2.f, 3.f}, {4.f, 5.f, 6.f}});
  const Tensor columns = from_storage(x.impl()->storage, float32, x.layout().transpose(0, 1));
  const TensorDataset dataset({columns, tensor({7, 8, 9})});
  CHECK(dataset.size() == 3);
  CHECK(dataset.get(1)[0].to_vector<float>() == std::vector<float>{2, 5});
  CHECK(dataset.get(1)[1].shape() == Shape{});
  CHECK(dataset.label(2) == 9);
  CHECK(contains(error_of([&] { dataset.get(3); }), "sample 3 is out of range, there are 3"));
  CHECK(contains(error_of([&] {
                   TensorDataset({x, tensor({1, 2, 3})});
                 }),
                 "tensor 0 is [2,3], tensor 1 is [3]"));
  CHECK(contains(error_of([&] { TensorDataset({tensor(1)}); }), "same first size"));
  CHECK(contains(error_of([&] { TensorDataset(Tensors{}); }), "at least one tensor"));
  CHECK(contains(error_of([&] { TensorDataset({Tensor()}); }), "tensor 0 is undefined"));
}

TEST_CASE("subset") {
  const Subset subset(with_labels({3, 3}), {5, 0, 0});
  CHECK(subset.size() == 3);
  CHECK(subset.get(0)[0].item<float>() == 5);
  CHECK(subset.label(0) == 1);
  CHECK(subset.class_names()[1] == "b");
  const Subset inner(subset, {1, 0});
  CHECK(inner.get(1)[0].item<float>() == 5);
  std::vector<float> seen;
  for (auto& [x, y] : data::DataLoader(inner, {.batch_size = 2})) seen = x.to_vector<float>();
  CHECK(seen == std::vector<float>{0, 5});
  CHECK(contains(error_of([&] { Subset(with_labels({3}), {3}); }),
                 "index 3 is out of range, the dataset has 3"));
  CHECK(contains(error_of([&] { subset.get(-1); }), "sample -1 is out of range"));
}

TEST_CASE("random_split: every sample once, lengths as PyTorch's") {
  struct Row {
    std::vector<double> lengths;
    std::vector<int64_t> sizes;
  };
  const Row rows[] = {
      {{0.9, 0.1}, {91, 10}}, {{0.5, 0.5}, {51, 50}}, {{0.3, 0.3, 0.4}, {31, 30, 40}}, {{50, 51}, {50, 51}},
      {{101}, {101}},         {{1.0}, {101}},         {{0.7, 0.2, 0.1}, {71, 20, 10}}, {{0, 101}, {0, 101}}};
  for (const Row& row : rows)
    for (const bool stratify : {false, true}) {
      const auto parts = random_split(with_labels({50, 30, 21}), row.lengths, {.stratify = stratify});
      REQUIRE(parts.size() == row.sizes.size());
      std::vector<int64_t> all;
      for (size_t i = 0; i < parts.size(); ++i) {
        CHECK(parts[i].size() == row.sizes[i]);
        all.insert(all.end(), parts[i].indices().begin(), parts[i].indices().end());
      }
      std::sort(all.begin(), all.end());
      REQUIRE(all.size() == 101);
      for (int64_t i = 0; i < 101; ++i) CHECK(all[size_t(i)] == i);
    }
}

TEST_CASE("random_split: stratified parts have each label in proportion") {
  const std::vector<int64_t> counts = {700, 200, 97, 3};
  for (const std::vector<double>& lengths : {std::vector<double>{0.8, 0.2}, {0.5, 0.3, 0.2}, {990, 10}})
    for (uint64_t seed = 0; seed < 5; ++seed) {
      const auto parts = random_split(with_labels(counts), lengths, {.seed = seed, .stratify = true});
      for (const Subset& part : parts) {
        std::vector<int64_t> found(4);
        for (int64_t i = 0; i < part.size(); ++i) ++found[size_t(part.label(i))];
        for (size_t label = 0; label < 4; ++label) {
          const double wanted = double(counts[label]) * double(part.size()) / 1000;
          CHECK(std::abs(double(found[label]) - wanted) <= 1.0 + 1e-9);
        }
      }
    }
}

TEST_CASE("random_split: the seed decides") {
  const auto indices = [](uint64_t seed, bool stratify) {
    return random_split(with_labels({60, 40}), {0.5, 0.5}, {seed, stratify})[0].indices();
  };
  for (const bool stratify : {false, true}) {
    CHECK(indices(1, stratify) == indices(1, stratify));
    CHECK(indices(1, stratify) != indices(2, stratify));
  }
}

TEST_CASE("random_split: errors") {
  const auto error = [](const std::vector<double>& lengths) {
    return error_of([&] { random_split(with_labels({10}), lengths); });
  };
  CHECK(contains(error({0.5, 0.6}), "fractions with sum 1 or counts with sum 10, their sum is 1.1"));
  CHECK(contains(error({4, 5}), "their sum is 9"));
  CHECK(contains(error({-1, 11}), "length -1 is negative"));
  CHECK(contains(error({4.5, 5.5}), "length 4.5 is neither a fraction nor a count"));
  CHECK(contains(error({}), "their sum is 0"));
}
