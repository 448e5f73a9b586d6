#include <doctest/doctest.h>

#include <cmath>

#include <kiln/kiln.h>
#include <kiln/train/augment/batch.h>
#include <kiln/train/augment/mix.h>

#include "support/files.h"

using namespace kiln;
using namespace kiln::test;
using data::RandomStream;
using train::BatchAugment;

TEST_CASE("Beta numbers have their mean and variance") {
  for (const double alpha : {0.2, 1.0, 3.0}) {
    double sum = 0, squares = 0;
    const int draws = 8000;
    for (int i = 0; i < draws; ++i) {
      RandomStream random = RandomStream::for_batch(1, 0, i);
      const double x = train::beta(alpha, alpha, random);
      CHECK(x >= 0);
      CHECK(x <= 1);
      sum += x;
      squares += (x - 0.5) * (x - 0.5);
    }
    CHECK(std::abs(sum / draws - 0.5) < 0.02);
    CHECK(std::abs(squares / draws - 0.25 / (2 * alpha + 1)) < 0.01);
  }
}

TEST_CASE("mixup and cutmix: images and soft targets in the same shares") {
  const int64_t n = 5, classes = 5;
  // Image i is i everywhere, its label i: the targets say what is to be seen.
  const Tensor labels = arange(n),
               images = labels.to(DType::float32).reshape({n, 1, 1, 1}).expand({n, 3, 8, 10}).contiguous();
  double shares = 0;
  for (int batch = 0; batch < 60; ++batch) {
    RandomStream random = RandomStream::for_batch(0, 1, batch), other = RandomStream::for_batch(0, 1, batch);
    for (const train::Mixed& mixed :
         {train::mixup(images, labels, classes, random), train::cutmix(images, labels, classes, other)}) {
      CHECK(mixed.images.shape() == images.shape());
      CHECK(allclose(mixed.targets.sum(Dims{1}), ones({n})));
      const Tensor expected = mixed.targets.mv(arange(n).to(DType::float32));
      CHECK(allclose(mixed.images.mean({1, 2, 3}), expected, 1e-4, 1e-4));
      CHECK(mixed.targets[2][2].item<double>() == doctest::Approx(mixed.share));
      CHECK(mixed.targets[2][1].item<double>() == doctest::Approx(1 - mixed.share));
    }
    shares += train::mixup(images, labels, classes, random).share / 60;
  }
  CHECK(std::abs(shares - 0.5) < 0.15);
  RandomStream random = RandomStream::for_batch(0, 0, 0);
  const Tensor logits = randn({n, classes});
  CHECK(std::isfinite(
      cross_entropy(logits, train::mixup(images, labels, classes, random).targets).item<double>()));
  CHECK(train::cutmix((images * 10).to(DType::uint8), labels, classes, random).images.dtype() ==
        DType::uint8);
  CHECK(contains(error_of([&] { train::mixup(images.to(DType::uint8), labels, classes, random); }),
                 "must be floating, got uint8"));
  CHECK(contains(error_of([&] { train::mixup(images, labels, classes, random, {.alpha = 0}); }),
                 "alpha must be positive"));
  CHECK(contains(error_of([&] { train::cutmix(images, arange(4), classes, random); }),
                 "got [5,3,8,10] and [4]"));
}

TEST_CASE("a batch on its device: each image's changes are a function of (seed, epoch, sample)") {
  const Tensor images = randint(0, 256, {6, 3, 12, 14}).to(DType::uint8);
  const BatchAugment augment({.crop = {10, 9},
                              .padding = 2,
                              .flip = 0.5,
                              .brightness = 0.3,
                              .contrast = 0.4,
                              .erasing = 0.5,
                              .mean = {0.5f, 0.4f, 0.3f},
                              .std = {0.2f, 0.3f, 0.4f},
                              .seed = 4});
  const Tensor all = augment(images, 3, {10, 11, 12, 13, 14, 15});
  CHECK(all.shape() == Shape{6, 3, 10, 9});
  CHECK(all.dtype() == DType::float32);
  CHECK(all.device() == images.device());
  const Tensor some =
      augment(index_select(images, 0, tensor({int64_t(4), int64_t(1)}).to(images.device())), 3, {14, 11});
  CHECK(allclose(some[0], all[4]));
  CHECK(allclose(some[1], all[1]));
  CHECK(!allclose(augment(images, 4, {10, 11, 12, 13, 14, 15}), all));
  CHECK(allclose(augment(images.to(DType::float32) / 255, 3, {10, 11, 12, 13, 14, 15}), all));
  CHECK(augment(images.narrow(0, 0, 0), 0, {}).shape() == Shape{0, 3, 10, 9});
}

TEST_CASE("a batch's crop, flip, brightness, contrast and erasing are what they say") {
  const Tensor images = arange(1, 1 + 40 * 5 * 6).reshape({40, 1, 5, 6}).to(DType::float32) / 2000;
  std::vector<int64_t> samples(40);
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = int64_t(i);
  const Tensor flipped = BatchAugment({.flip = 0.5})(images, 0, samples);
  int mirrored = 0;
  for (int64_t i = 0; i < 40; ++i) {
    const bool is_mirrored = allclose(flipped[i], images[i].flip({2}));
    CHECK((is_mirrored || allclose(flipped[i], images[i])));
    mirrored += is_mirrored;
  }
  CHECK(mirrored > 8);
  CHECK(mirrored < 32);
  const Tensor cropped = BatchAugment({.crop = {5, 6}, .padding = 3})(images, 0, samples);
  int moved = 0;
  for (int64_t i = 0; i < 40; ++i) moved += !allclose(cropped[i], images[i]);
  CHECK(moved > 30);
  CHECK(equal(BatchAugment({.crop = {5, 6}})(images, 0, samples), images));
  const Tensor brighter = BatchAugment({.brightness = 0.5})(images, 0, samples) / images;
  for (int64_t i = 0; i < 40; ++i) {
    const double least = brighter[i].min().item<double>(), most = brighter[i].max().item<double>();
    CHECK(most - least < 1e-3);
    CHECK(least >= 0.5);
    CHECK(most < 1.5);
  }
  const Tensor same_mean = BatchAugment({.contrast = 0.5})(images * 0.4 + 0.3, 0, samples);
  CHECK(allclose(same_mean.mean({1, 2, 3}), (images * 0.4 + 0.3).mean({1, 2, 3}), 1e-4, 1e-4));
  const Tensor erased =
      (BatchAugment({.erasing = 1})(ones({40, 3, 20, 20}), 0, samples) == 0).to(DType::float32);
  CHECK(std::abs(erased.mean().item<double>() - 0.17) < 0.06);
}

TEST_CASE("BatchAugment: errors") {
  CHECK(contains(error_of([] { BatchAugment({.crop = {3, 0}}); }), "a crop of 3x0 with padding 0"));
  CHECK(contains(error_of([] { BatchAugment({.padding = -1}); }), "padding -1"));
  CHECK(contains(error_of([] { BatchAugment({.flip = 2}); }), "probability 2 is not in 0 .. 1"));
  CHECK(contains(error_of([] { BatchAugment({.contrast = -1}); }), "the amount -1"));
  CHECK(contains(error_of([] { BatchAugment({.std = {0}}); }), "std 0 cannot divide"));
  const Tensor x = zeros({2, 3, 4, 4});
  CHECK(contains(error_of([&] { BatchAugment({})(x, 0, {1}); }), "got [2,3,4,4] and 1"));
  CHECK(contains(error_of([&] { BatchAugment({.crop = 9})(x, 0, {1, 2}); }), "a window of 9x9 does not fit"));
  CHECK(contains(error_of([&] {
                   BatchAugment({.mean = {0, 0}, .std = {1, 1}})(x, 0, {1, 2});
                 }),
                 "has 2 means"));
}
