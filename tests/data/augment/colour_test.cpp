#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include <kiln/data/augment/choose.h>
#include <kiln/data/augment/colour.h>
#include <kiln/data/augment/move.h>
#include <kiln/data/augment/policy.h>
#include <kiln/image/colour/colour.h>
#include <kiln/kiln.h>

#include "image/pictures.h"
#include "support/files.h"

using namespace kiln;
using namespace kiln::test;
using data::RandomStream;

namespace {

int changed(const data::Transform& transform, const Tensor& image, int draws = 400) {
  int found = 0;
  for (int sample = 0; sample < draws; ++sample) {
    RandomStream random(3, 1, sample);
    found += !same(transform.apply(image, random), image);
  }
  return found;
}

}  // namespace

TEST_CASE("colour transforms with a probability") {
  const Tensor x = noise({3, 8, 8});
  const auto half = [&](const data::Transform& transform) {
    return std::abs(changed(transform, x) - 200) < 50;
  };
  CHECK(half(data::RandomInvert()));
  CHECK(half(data::RandomPosterize(2)));
  CHECK(half(data::RandomSolarize(100)));
  CHECK(half(data::RandomAdjustSharpness(2)));
  CHECK(half(data::RandomAutocontrast()) == half(data::RandomAutocontrast()));
  CHECK(half(data::RandomErasing()));
  CHECK(std::abs(changed(data::RandomGrayscale(), x) - 40) < 25);
  CHECK(changed(data::RandomGrayscale(1), noise({1, 8, 8})) == 0);
  CHECK(changed(data::RandomEqualize(1), noise({3, 40, 40}), 10) == 10);
}

TEST_CASE("ColorJitter varies what it should, in every order") {
  const Tensor x = noise({3, 6, 6});
  std::set<std::vector<int64_t>> seen;
  double brightness = 0;
  const Tensor grey = full({3, 1, 1}, 100).to(DType::uint8);
  for (int sample = 0; sample < 600; ++sample) {
    RandomStream random(3, 1, sample), same_numbers(3, 1, sample);
    const Tensor y = data::ColorJitter({.brightness = 0.4}).apply(grey, random);
    const int64_t value = y.to_vector<int64_t>()[0];
    CHECK(value >= 60);
    CHECK(value <= 140);
    brightness += double(value) / 600;
    seen.insert(data::ColorJitter(
                    {.brightness = {2, 2}, .contrast = {0.5, 0.5}, .saturation = {3, 3}, .hue = {0.2, 0.2}})
                    .apply(x, same_numbers)
                    .to_vector<int64_t>());
  }
  CHECK(std::abs(brightness - 99.5) < 3);
  CHECK(seen.size() > 12);  // of 24 orders, some of which give the same
  CHECK(changed(data::ColorJitter({}), x) == 0);
  CHECK(contains(error_of([] { data::ColorJitter({.brightness = -1}); }),
                 "brightness -1 must not be negative"));
  CHECK(contains(error_of([] { data::ColorJitter({.hue = 0.6}); }), "hue from -0.6 to 0.6"));
}

TEST_CASE("RandomErasing overwrites one window before and after ToFloat") {
  const Tensor x = full({3, 20, 30}, 9).to(DType::uint8);
  double share = 0;
  for (int sample = 0; sample < 500; ++sample) {
    RandomStream random(0, 0, sample), again(0, 0, sample), third(0, 0, sample);
    const data::RandomErasing erasing({.probability = 1, .value = {1, 2, 3}});
    const Tensor y = erasing.apply(x, random);
    const Tensor floats = erasing.apply(x.to(DType::float32), again);
    CHECK(same(y.to(DType::float32), floats));
    share += double((y[0] == 1).sum().item<int64_t>()) / 600 / 500;
    const Tensor scattered =
        data::RandomErasing({.probability = 1, .random = true}).apply(zeros({3, 20, 30}), third);
    if (sample == 0) CHECK(std::abs(scattered.sum().item<double>()) < 200);
  }
  CHECK(std::abs(share - 0.17) < 0.03);
  CHECK(contains(error_of([&] {
                   RandomStream random(0, 0, 0);
                   data::RandomErasing({.probability = 1, .value = {1, 2}}).apply(x, random);
                 }),
                 "fill has 2 values"));
}

TEST_CASE("GaussianBlur draws its sigma") {
  Tensor point = zeros({1, 7, 7});
  point[0][3][3] = 1;
  double least = 1, most = 0;
  for (int sample = 0; sample < 200; ++sample) {
    RandomStream random(0, 0, sample);
    const double middle = data::GaussianBlur(7).apply(point, random).max().item<double>();
    least = std::min(least, middle);
    most = std::max(most, middle);
  }
  CHECK(most > 0.99);
  CHECK(least < 0.06);
  CHECK(contains(error_of([] { data::GaussianBlur{4}; }), "must be odd, got 4x4"));
}

TEST_CASE("RandomApply and RandomChoice") {
  const Tensor x = noise({3, 4, 4});
  const data::RandomInvert invert(1);
  CHECK(std::abs(changed(data::RandomApply({invert, data::RandomPosterize(3, 1)}, 0.25), x) - 100) < 45);
  CHECK(changed(data::RandomApply({invert}, 0), x) == 0);
  CHECK(std::abs(changed(data::RandomChoice({invert, data::RandomInvert(0)}, {1, 3}), x) - 100) < 45);
  CHECK(changed(data::RandomChoice({invert, data::RandomInvert(0)}, {0, 1}), x) == 0);
  CHECK(contains(error_of([] { data::RandomChoice({}); }), "nothing to choose from"));
  CHECK(contains(error_of([&] { data::RandomChoice({invert}, {0}); }), "all weights are 0"));
  CHECK(contains(error_of([&] { data::RandomChoice({invert}, {1, 2}); }), "2 weights for 1 transforms"));
}

TEST_CASE("policies keep the shape, change most images, and are functions of the sample") {
  const Tensor x = noise({3, 24, 20});
  const data::RandAugment rand_augment;
  const data::TrivialAugmentWide trivial;
  const data::AutoAugment policies[] = {data::AutoAugment(),
                                        data::AutoAugment(data::AutoAugmentPolicy::cifar10),
                                        data::AutoAugment(data::AutoAugmentPolicy::svhn)};
  for (const data::Transform* policy : std::initializer_list<const data::Transform*>{
           &rand_augment, &trivial, &policies[0], &policies[1], &policies[2]}) {
    std::set<std::vector<int64_t>> seen;
    for (int sample = 0; sample < 150; ++sample) {
      RandomStream random(1, 1, sample), again(1, 1, sample);
      const Tensor y = policy->apply(x, random);
      CHECK(y.shape() == x.shape());
      CHECK(same(y, policy->apply(x, again)));
      seen.insert(y.to_vector<int64_t>());
    }
    CHECK(seen.size() > 15);
    RandomStream random(0, 0, 0);
    for (const Shape& shape : {Shape{1, 1, 1}, Shape{3, 1, 5}, Shape{1, 9, 2}})
      CHECK(policy->apply(noise(shape), random).shape() == shape);
    CHECK(contains(error_of([&] { policy->apply(x.to(DType::float32), random); }), "needs a uint8 picture"));
  }
  CHECK(contains(error_of([] { data::RandAugment({.magnitude = 31}); }), "is not one of 31 bins"));
  CHECK(contains(error_of([] { data::TrivialAugmentWide({.num_magnitude_bins = 1}); }), "at least 2"));
}
