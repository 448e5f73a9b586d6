#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

#include <kiln/data/data.h>
#include <kiln/tensor/dtype/literal.h>

#include "data/files.h"

using namespace kiln;
using namespace kiln::test;
using data::Compose;
using data::RandomStream;

namespace {

Tensor random_images(const Shape& shape, uint64_t seed) {
  Tensor x = empty(shape, {.dtype = uint8});
  RandomStream random(seed, 0, 0);
  for (int64_t i = 0; i < x.numel(); ++i) x.data<uint8_t>()[i] = uint8_t(random.bits());
  return x;
}

// Hides that the samples are rows in memory, so that the loader goes step by step.
struct OneByOne : data::Dataset {
  explicit OneByOne(data::TensorDataset from) : inner(std::move(from)) {}
  int64_t size() const override { return inner.size(); }
  Tensors get(int64_t index) const override { return inner.get(index); }
  data::TensorDataset inner;
};

const std::vector<float> kMean = {0.5f, 0.25f, 0.1f}, kStd = {0.3f, 0.2f, 0.7f};

}  // namespace

TEST_CASE("to float and normalize") {
  RandomStream random(0, 0, 0);
  const Tensor image = random_images({3, 4, 5}, 1);
  const Tensor x = data::ToFloat().apply(image, random);
  const Tensor y = data::Normalize(kMean, kStd).apply(x, random);
  for (int64_t i = 0; i < image.numel(); ++i) {
    const float expected = float(image.data<uint8_t>()[i]) / 255.f;
    CHECK(x.data<float>()[i] == expected);
    CHECK(y.data<float>()[i] == (expected - kMean[size_t(i / 20)]) / kStd[size_t(i / 20)]);
  }
}

TEST_CASE("random crop is a window of the padded image, each equally often") {
  const int64_t size = 3, padding = 2;
  const Tensor image = random_images({2, 5, 4}, 2);
  int64_t seen[7][6] = {};
  const int draws = 4200;
  for (int sample = 0; sample < draws; ++sample) {
    RandomStream random(7, 1, sample), again(7, 1, sample);
    const Tensor y = data::RandomCrop(size, {.padding = padding}).apply(image, random);
    REQUIRE(y.shape() == Shape{2, size, size});
    const int64_t top = again.below(7), left = again.below(6);
    ++seen[top][left];
    for (int64_t c = 0; c < 2; ++c)
      for (int64_t i = 0; i < size; ++i)
        for (int64_t j = 0; j < size; ++j) {
          const int64_t row = top + i - padding, column = left + j - padding;
          const bool inside = row >= 0 && row < 5 && column >= 0 && column < 4;
          const int expected = inside ? image.data<uint8_t>()[(c * 5 + row) * 4 + column] : 0;
          REQUIRE(int(y.data<uint8_t>()[(c * size + i) * size + j]) == expected);
        }
  }
  for (const auto& row : seen)
    for (const int64_t count : row) CHECK(std::abs(count - draws / 42) < 50);  // 5 standard deviations
}

TEST_CASE("random flip mirrors about half of the samples") {
  const Tensor image = random_images({1, 2, 3}, 3);
  int flipped = 0;
  for (int sample = 0; sample < 1000; ++sample) {
    RandomStream random(0, 0, sample);
    const Tensor y = data::RandomHorizontalFlip().apply(image, random);
    const auto from = image.to_vector<int64_t>(), to = y.to_vector<int64_t>();
    if (to == from) continue;
    ++flipped;
    CHECK(to == std::vector<int64_t>{from[2], from[1], from[0], from[5], from[4], from[3]});
  }
  CHECK(flipped > 420);
  CHECK(flipped < 580);
}

TEST_CASE("fused equals step by step, bit for bit") {
  using data::Normalize;
  using data::RandomCrop;
  using data::RandomHorizontalFlip;
  using data::ToFloat;
  const Compose rows[] = {
      Compose({ToFloat()}),
      Compose({ToFloat(), Normalize(kMean, kStd)}),
      Compose({RandomCrop(8, {.padding = 2}), RandomHorizontalFlip(), ToFloat(), Normalize(kMean, kStd)}),
      Compose(
          {RandomHorizontalFlip(), RandomCrop(8, 6, {.padding = 9}), ToFloat(), Normalize({0.3f}, {0.2f})}),
      Compose({ToFloat(), RandomCrop(5), Normalize(kMean, kStd)}),
      Compose({ToFloat(), Normalize(kMean, kStd), RandomCrop(8, {.padding = 3}), RandomHorizontalFlip(0.9f)}),
      Compose(
          {ToFloat(), RandomCrop(8, {.padding = 3}), RandomCrop(5), RandomHorizontalFlip()}),  // never fused
      Compose({RandomCrop(5), RandomHorizontalFlip()}),                                        // stays uint8
  };
  const int64_t count = 40;
  std::vector<int64_t> labels(count);
  const data::TensorDataset dataset({random_images({count, 3, 8, 7}, 4), from_values(labels, {count})});
  for (const Compose& transform : rows)
    for (const MemoryFormat format : {MemoryFormat::channels_last, MemoryFormat::contiguous}) {
      const data::LoaderOptions options = {
          .batch_size = 16, .shuffle = true, .seed = 5, .transform = transform, .memory_format = format};
      const data::DataLoader fused(dataset, options), plain(OneByOne(dataset), options);
      auto other = plain.begin();
      for (auto& [x, y] : fused) {
        const Tensor& expected = (*other)[0];
        CHECK(x.dtype() == expected.dtype());
        CHECK(x.layout().strides == expected.layout().strides);
        CHECK(x.to_vector<float>() == expected.to_vector<float>());
        if (x.is_floating_point()) CHECK(x.is_contiguous(format));
        ++other;
      }
    }
}

TEST_CASE("transforms: errors") {
  RandomStream random(0, 0, 0);
  const Tensor image = random_images({3, 4, 4}, 1);
  CHECK(contains(error_of([&] { data::Normalize({0.f}, {1.f}).apply(image, random); }),
                 "put ToFloat() before it"));
  CHECK(contains(error_of([&] { data::Normalize({0.f, 0.f}, {1.f}); }), "got 2 and 1"));
  CHECK(contains(error_of([&] { data::Normalize({0.f}, {0.f}); }), "std 0 cannot divide"));
  CHECK(
      contains(error_of([&] {
                 data::Normalize({0.f, 0.f}, {1.f, 1.f}).apply(data::ToFloat().apply(image, random), random);
               }),
               "has 2 means, the image [3,4,4] has 3 channels"));
  CHECK(contains(error_of([&] { data::RandomCrop(5).apply(image, random); }), "5x5 does not fit"));
  CHECK(contains(error_of([&] { data::RandomCrop(0); }), "not possible"));
  CHECK(contains(error_of([&] { data::RandomCrop(INT64_MAX); }), "not possible"));
  CHECK(contains(error_of([&] { data::RandomCrop(3, {.padding = INT64_MAX}); }), "not possible"));
  CHECK(contains(error_of([&] { data::RandomCrop(3, {.padding = -1}); }), "not possible"));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(contains(error_of([&] { data::Normalize({nan}, {1.f}); }), "mean nan is not a finite number"));
  CHECK(contains(error_of([&] { data::Normalize({0.f}, {nan}); }), "std nan cannot divide"));
  CHECK(contains(error_of([&] { data::RandomHorizontalFlip{nan}; }), "not in 0 .. 1"));
  CHECK(contains(error_of([&] { data::RandomHorizontalFlip(1.5f); }), "not in 0 .. 1"));
  CHECK(contains(error_of([&] {
                   data::ToFloat().apply(tensor({1, 2}), random);
                 }),
                 "[channels,height,width]"));
  CHECK(contains(error_of([&] { Compose({data::AnyTransform()}); }), "step 0 is empty"));
}
