#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <kiln/data/annotations/split.h>
#include <kiln/data/random_stream.h>

#include "support/files.h"

namespace kiln {
namespace {

using test::contains;
using test::error_of;

data::Annotations made(const std::vector<int64_t>& sizes) {
  data::Annotations annotations;
  for (size_t label = 0; label < sizes.size(); ++label) {
    annotations.classes.push_back("c" + std::to_string(label));
    for (int64_t i = 0; i < sizes[label]; ++i)
      annotations.images.push_back(
          {.path = std::to_string(label) + "/" + std::to_string(i), .labels = {int64_t(label)}});
  }
  return annotations;
}

std::map<std::string, std::vector<double>> counts_of(const data::Annotations& annotations) {
  std::map<std::string, std::vector<double>> counts;
  for (const data::AnnotatedImage& image : annotations.images) {
    auto& of_split = counts[image.split];
    of_split.resize(annotations.classes.size());
    ++of_split[size_t(image.labels[0])];
  }
  return counts;
}

const std::vector<data::SplitPart> kParts = {{"train", 0.7}, {"val", 0.2}, {"test", 0.1}};

}  // namespace

TEST_CASE("split: each class in proportion to within one, and all together") {
  for (const auto& sizes :
       {std::vector<int64_t>{100, 37, 3, 1, 59}, std::vector<int64_t>(200, 3), std::vector<int64_t>{1}}) {
    data::Annotations annotations = made(sizes);
    data::split_annotations(annotations, kParts, {.seed = 4});
    auto counts = counts_of(annotations);
    for (const data::SplitPart& part : kParts) {
      counts[part.name].resize(sizes.size());
      double all = 0;
      for (size_t label = 0; label < sizes.size(); ++label) {
        CHECK(std::abs(counts[part.name][label] - part.share * double(sizes[label])) < 1);
        all += counts[part.name][label];
      }
      CHECK(std::abs(all - part.share * double(annotations.images.size())) < 2);
    }
  }
}

TEST_CASE("split: a function of the seed and the set, not of the order") {
  data::Annotations first = made({50, 20}), again = first, other = first;
  data::RandomStream random = data::RandomStream::for_split(1);
  for (size_t i = again.images.size(); i > 1; --i)
    std::swap(again.images[i - 1], again.images[size_t(random.below(int64_t(i)))]);
  data::split_annotations(first, kParts, {.seed = 1});
  data::split_annotations(again, kParts, {.seed = 1});
  data::split_annotations(other, kParts, {.seed = 2});
  const auto by_path = [](const data::AnnotatedImage& a, const data::AnnotatedImage& b) {
    return a.path < b.path;
  };
  for (data::Annotations* each : {&first, &again, &other})
    std::sort(each->images.begin(), each->images.end(), by_path);
  CHECK(first == again);
  CHECK(!(first == other));
}

TEST_CASE("split: groups stay together, and classes near their shares") {
  data::Annotations annotations = made({300, 200, 100});
  data::RandomStream random = data::RandomStream::for_split(9);
  for (data::AnnotatedImage& image : annotations.images)
    if (random.below(3) > 0) image.group = "g" + std::to_string(random.below(60));
  data::split_annotations(annotations, kParts);
  std::map<std::string, std::set<std::string>> parts;
  for (const data::AnnotatedImage& image : annotations.images)
    if (!image.group.empty()) parts[image.group].insert(image.split);
  for (const auto& [group, names] : parts) CHECK(names.size() == 1);
  const auto counts = counts_of(annotations);
  for (const data::SplitPart& part : kParts)
    for (size_t label = 0; label < 3; ++label)
      CHECK(std::abs(counts.at(part.name)[label] - part.share * double(300 - 100 * int64_t(label))) < 6);
}

TEST_CASE("split: what was split before stays, new pictures join their group") {
  data::Annotations annotations = made({40});
  data::split_annotations(annotations, {{"train", 0.5}, {"val", 0.5}});
  const data::Annotations before = annotations;
  for (int i = 0; i < 40; ++i)
    annotations.images.push_back({.path = "new" + std::to_string(i), .labels = {0}});
  annotations.images[0].group = annotations.images[40].group = "same";
  data::split_annotations(annotations, {{"train", 0.5}, {"val", 0.5}}, {.keep = true});
  for (size_t i = 0; i < 40; ++i) CHECK(annotations.images[i].split == before.images[i].split);
  CHECK(annotations.images[40].split == annotations.images[0].split);
  CHECK(counts_of(annotations)["train"][0] == 40);
  annotations.images[1].group = "torn", annotations.images[1].split = "train";
  annotations.images[2].group = "torn", annotations.images[2].split = "val";
  CHECK(contains(error_of([&] {
                   data::split_annotations(annotations, {{"train", 0.5}, {"val", 0.5}}, {.keep = true});
                 }),
                 "'torn'"));
}

TEST_CASE("split: a set that has grown is split like an earlier manifest") {
  data::Annotations before = made({20, 10});
  before.folder = "set";
  data::split_annotations(before, kParts);
  data::Annotations grown = made({30, 30});
  grown.folder = "./other/../set";
  CHECK(data::keep_splits(grown, before) == 30);
  data::split_annotations(grown, {{"train", 1}, {"val", 0}, {"test", 0}}, {.keep = true});
  const auto then = counts_of(before), now = counts_of(grown);
  CHECK(now.at("val") == then.at("val"));
  CHECK(now.at("test") == then.at("test"));
  CHECK(now.at("train") == std::vector<double>{then.at("train")[0] + 10, then.at("train")[1] + 20});
}

TEST_CASE("split: what is not possible is named") {
  data::Annotations annotations = made({4});
  CHECK(contains(error_of([&] { data::split_annotations(annotations, {}); }), "no parts"));
  CHECK(contains(error_of([&] {
                   data::split_annotations(annotations, {{"a", 0.5}, {"b", 0.4}});
                 }),
                 "their sum is 0.9"));
  CHECK(contains(error_of([&] { data::split_annotations(annotations, {{"a", 0.5}, {"a", 0.5}}); }), "twice"));
  annotations.images[1].path = annotations.images[0].path;
  CHECK(contains(error_of([&] { data::split_annotations(annotations, {{"a", 1}}); }), "comes twice"));
  annotations.images[0].labels = {7};
  CHECK(contains(error_of([&] { data::split_annotations(annotations, {{"a", 1}}); }), "the label 7"));
}

}  // namespace kiln
