#include <doctest/doctest.h>

#include <kiln/data/augment/augment.h>
#include <kiln/kiln.h>

#include "image/pictures.h"

using namespace kiln;
using namespace kiln::test;

namespace {

const data::Compose kAll({data::RandomApply({data::RandomRotation(20)}), data::RandomResizedCrop(24),
                          data::RandomVerticalFlip(), data::ColorJitter({0.4, 0.4, 0.4, 0.1}),
                          data::RandomGrayscale(), data::GaussianBlur(3), data::TrivialAugmentWide(),
                          data::RandomHorizontalFlip(), data::ToFloat(), data::Normalize({0.5f}, {0.2f}),
                          data::RandomErasing()});

}  // namespace

TEST_CASE("augmented batches are a function of (seed, epoch, sample), whatever the workers") {
  const int64_t count = 37;
  std::vector<int64_t> labels(count);
  const data::TensorDataset dataset({noise({count, 3, 33, 31}), from_values(labels, {count})});
  const auto epoch = [&](int workers, uint64_t seed, int64_t number) {
    const data::DataLoader loader(dataset,
                                  {.batch_size = 8, .seed = seed, .workers = workers, .transform = kAll});
    std::vector<float> all;
    for (const auto& [x, y] : loader.epoch(number)) {
      const std::vector<float> values = x.to_vector<float>();
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  };
  const std::vector<float> alone = epoch(0, 1, 3);
  CHECK(alone.size() == size_t(count * 3 * 24 * 24));
  CHECK(epoch(1, 1, 3) == alone);
  CHECK(epoch(4, 1, 3) == alone);
  CHECK(epoch(0, 1, 4) != alone);
  CHECK(epoch(0, 2, 3) != alone);
}

TEST_CASE("crop, flip, ToFloat and Normalize in one pass have the bits of their steps") {
  const std::vector<data::AnyTransform> steps = {data::RandomResizedCrop(20),
                                                 data::RandomCrop(16, {.padding = 2}),
                                                 data::RandomHorizontalFlip(),
                                                 data::ToFloat(),
                                                 data::Normalize({0.5f, 0.4f, 0.3f}, {0.2f, 0.3f, 0.4f}),
                                                 data::RandomErasing({.value = {1}})};
  const data::Compose all(steps);
  for (int n = 0; n < 20; ++n) {
    data::RandomStream random(0, 0, n), again(0, 0, n), third(0, 0, n);
    const Tensor x = noise({3, 30, 40}, uint64_t(n));
    Tensor expected = x;
    for (const data::AnyTransform& step : steps) expected = step->apply(expected, random);
    CHECK(same(all.apply(x, again), expected));
    data::Sample sample({interleaved(x), tensor(1)});
    all.apply_to(sample, third);
    CHECK(same(sample.tensors[0], expected));
  }
}
