#include <doctest/doctest.h>

#include <atomic>

#include <kiln/data/data.h>

#include "threads/together.h"

using namespace kiln;
using namespace kiln::test;

TEST_CASE("loaders of several threads read one dataset") {
  constexpr int64_t kSamples = 40;
  Tensor images = empty({kSamples, 3, 6, 6}, {.dtype = uint8}), labels = empty({kSamples}, {.dtype = int64});
  for (int64_t i = 0; i < images.numel(); ++i) images.data<uint8_t>()[i] = uint8_t(i * 31);
  for (int64_t i = 0; i < kSamples; ++i) labels.data<int64_t>()[i] = i;
  const data::TensorDataset set({images, labels});
  const auto sum_of_labels = [&](int workers) {
    int64_t sum = 0;
    data::DataLoader loader(set, {.batch_size = 7, .shuffle = true, .workers = workers});
    for (auto& [x, y] : loader) sum += y.sum().item<int64_t>();
    return sum;
  };
  std::atomic<int> wrong{0};
  together(3, [&](int thread) { wrong += sum_of_labels(thread) != kSamples * (kSamples - 1) / 2; });
  CHECK(wrong == 0);
}
