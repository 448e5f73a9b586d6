#include <doctest/doctest.h>

#include <cmath>

#include <kiln/data/augment/augment.h>
#include <kiln/kiln.h>

#include "image/pictures.h"
#include "support/files.h"

using namespace kiln;
using namespace kiln::test;
using data::RandomStream;

namespace {

// A bright rectangle on black, its mask, its box, and a label.
data::Sample rectangle(int64_t height, int64_t width, int64_t left, int64_t top, int64_t right,
                       int64_t bottom) {
  Tensor mask = zeros({height, width}, {.dtype = int64});
  mask.slice(0, top, bottom).slice(1, left, right).fill_(7);
  const Tensor image = (mask * 30).to(DType::uint8).unsqueeze(0).expand({3, height, width}).contiguous();
  return {{image, mask, tensor({float(left), float(top), float(right), float(bottom)}).reshape({1, 4}),
           tensor({int64_t(5)})}};
}

// The box around the mask's pixels.
std::vector<float> box_of(const Tensor& mask) {
  std::vector<float> box = {1e9f, 1e9f, -1, -1};
  const std::vector<int64_t> values = mask.to_vector<int64_t>();
  for (int64_t i = 0; i < mask.numel(); ++i) {
    if (values[size_t(i)] != 7) continue;
    const int64_t column = i % mask.size(1), row = i / mask.size(1);
    const auto x = float(column), y = float(row);
    box = {std::min(box[0], x), std::min(box[1], y), std::max(box[2], x + 1), std::max(box[3], y + 1)};
  }
  return box;
}

const data::Parts kParts = {.masks = {1}, .boxes = 2, .rows = {3}};

}  // namespace

TEST_CASE("boxes and masks follow every movement") {
  struct Row {
    data::AnyTransform transform;
    float slack;  // pixels that the box may be larger on a side than what is seen
  };
  const Row rows[] = {
      {data::RandomHorizontalFlip(), 0},
      {data::RandomVerticalFlip(), 0},
      {data::RandomQuarterTurn(), 0},
      {data::RandomCrop(40, 44, {.padding = 9}), 0},
      {data::CenterCrop({50, 41}), 0},
      {data::Pad({3, 4, 5, 6}), 0},
      {data::Resize(35), 1.5f},
      {data::RandomResizedCrop({50, 60}), 1.5f},
      {data::RandomRotation(180, {.expand = true}), 12},
      {data::RandomAffine(0, {.translate = {0.2, 0.2}, .scale = {0.7, 1.4}}), 1.5f},
      {data::RandomAffine(20, {.shear_x = 10}), 12},
      {data::RandomPerspective({.distortion_scale = 0.3, .probability = 1}), 8},
      {data::RandomChoice({data::RandomHorizontalFlip(1), data::RandomApply({data::RandomVerticalFlip(1)})}),
       0},
      {data::RandAugment(), 12},
  };
  for (const Row& row : rows)
    for (int n = 0; n < 25; ++n) {
      data::Sample sample = rectangle(48, 56, 20 + n % 5, 15, 34, 30 + n % 7);
      RandomStream random(4, 0, n);
      data::Together(kParts, {row.transform}).apply_to(sample, random);
      const Tensor& mask = sample.tensors[1];
      CHECK(mask.shape() == Shape{sample.tensors[0].size(1), sample.tensors[0].size(2)});
      const std::vector<float> seen = box_of(mask);
      if (sample.tensors[2].size(0) == 0) {
        CHECK(sample.tensors[3].size(0) == 0);
        CHECK(std::min(seen[2] - seen[0], seen[3] - seen[1]) <= 2);
        continue;
      }
      CHECK(sample.tensors[3].to_vector<int64_t>() == std::vector<int64_t>{5});
      const std::vector<float> box = sample.tensors[2].to_vector<float>();
      for (size_t edge = 0; edge < 4; ++edge) {
        const float outside = edge < 2 ? seen[edge] - box[edge] : box[edge] - seen[edge];
        CHECK(outside >= -1.01f);
        CHECK(outside <= row.slack + 0.01f);
      }
    }
}

TEST_CASE("boxes that are hardly left go with their rows") {
  data::Sample sample({noise({3, 10, 10}),
                       tensor({0.f, 0.f, 4.f, 4.f, 3.f, 3.f, 9.f, 9.f, 4.5f, 0.f, 9.f, 9.f}).reshape({3, 4}),
                       tensor({int64_t(1), int64_t(2), int64_t(3)}), noise({3, 10, 10}, 9)});
  RandomStream random(0, 0, 0);
  const data::Together crop(
      {.masks = {3}, .boxes = 1, .rows = {2, 3}, .visible = {.min_size = 1, .min_visible = 0.3}},
      {data::Pad({0, 0, -5, -5})});
  crop.apply_to(sample, random);
  // The first stays; of the second 4 of 36 are left; the third is half a pixel wide.
  CHECK(sample.tensors[1].to_vector<float>() == std::vector<float>{0, 0, 4, 4});
  CHECK(sample.tensors[2].to_vector<int64_t>() == std::vector<int64_t>{1});
  CHECK(sample.tensors[3].shape() == Shape{1, 5, 5});
  data::Sample none({noise({3, 10, 10}), zeros({0, 4}), zeros({0}, {.dtype = int64})});
  data::Together({.boxes = 1, .rows = {2}}, {data::RandomHorizontalFlip(1)}).apply_to(none, random);
  CHECK(none.tensors[1].shape() == Shape{0, 4});
}

TEST_CASE("colours and erasing leave masks and boxes alone, masks have a fill of their own") {
  data::Sample sample = rectangle(30, 30, 5, 5, 15, 15);
  const Tensor mask = sample.tensors[1], boxes = sample.tensors[2];
  RandomStream random(0, 0, 0);
  data::Together(kParts, {data::RandomInvert(1), data::RandomErasing({.probability = 1}), data::ToFloat()})
      .apply_to(sample, random);
  CHECK(sample.tensors[0].dtype() == DType::float32);
  CHECK(same(sample.tensors[1], mask));
  CHECK(same(sample.tensors[2], boxes));
  data::Sample wide = rectangle(10, 10, 2, 2, 5, 5);
  data::Together({.masks = {1}, .mask_fill = 255}, {data::CenterCrop(14), data::RandomCrop(14)})
      .apply_to(wide, random);
  CHECK(wide.tensors[1][0].to_vector<int64_t>() == std::vector<int64_t>(14, 255));
  CHECK(wide.tensors[0][0][0].to_vector<int64_t>() == std::vector<int64_t>(14, 0));
}

TEST_CASE("Together: errors") {
  RandomStream random(0, 0, 0);
  const auto run = [&](const data::Parts& parts, const Tensors& tensors) {
    return error_of([&] {
      data::Sample sample(tensors);
      data::Together(parts, {data::RandomHorizontalFlip(1)}).apply_to(sample, random);
    });
  };
  const Tensor x = noise({3, 4, 5});
  CHECK(contains(run({.image = 1}, {x}), "the image is tensor 1 of the sample, which has 1"));
  CHECK(contains(run({.masks = {1}}, {x, zeros({5, 4})}), "needs to be as large, got [5,4]"));
  CHECK(contains(run({.boxes = 1}, {x, zeros({2, 5})}), "boxes: need [n,4]"));
  CHECK(contains(run({.boxes = 1}, {x, zeros({2, 4}, {.dtype = int64})}), "got int64 [2,4]"));
  CHECK(contains(run({.boxes = 1, .rows = {2}}, {x, zeros({2, 4}), zeros({3})}),
                 "has a row for each of 2 boxes, got [3]"));
  CHECK(contains(run({.rows = {1}}, {x, zeros({2})}), "rows go with boxes"));
}
