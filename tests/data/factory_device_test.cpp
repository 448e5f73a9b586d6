// Datasets, transforms and loaders work on the CPU, whatever device the factories make tensors on.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <kiln/tensor/base/build_config.h>
#include <kiln/tensor/cuda/pinned.h>
#include <kiln/tensor/dtype/literal.h>
#include <support/device.h>
#include <support/files.h>
#include <support/skip.h>

#include "data/numbered.h"

using namespace kiln;
using namespace kiln::test;
using data::DataLoader;
using data::RandomStream;
using data::Sample;

namespace {

bool on_cpu(const Tensors& tensors) {
  return std::ranges::all_of(tensors, [](const Tensor& x) { return x.device().is_cpu(); });
}

data::TensorDataset pictures() {
  Tensor images = empty({12, 3, 6, 5}, {.dtype = uint8, .device = cpu});
  Tensor labels = empty({12}, {.dtype = int64, .device = cpu});
  for (int64_t i = 0; i < images.numel(); ++i) images.data<uint8_t>()[i] = uint8_t(i * 7);
  for (int64_t i = 0; i < 12; ++i) labels.data<int64_t>()[i] = i;
  return data::TensorDataset({images, labels});
}

const data::Compose kSteps({data::RandomCrop(5, {.padding = 1}), data::RandomHorizontalFlip(),
                            data::ToFloat(), data::Normalize({0.5f}, {0.25f})});

// Samples as a user's code makes them: with factories that name no device.
data::FunctionDataset factories() {
  return data::FunctionDataset(6, [](int64_t i) {
    return Sample({tensor({float(i), 1.f}), empty({1, 4, 4}), tensor(i)}, {"text"});
  });
}

void walk(const data::LoaderOptions& options, const data::AnyDataset& dataset) {
  int64_t samples = 0;
  for (const data::Batch& batch : DataLoader(dataset, options)) {
    CHECK(on_cpu(batch.tensors));
    samples += batch.size();
  }
  CHECK(samples == dataset->size());
}

}  // namespace

TEST_CASE("data: with the factories' device on a GPU") {
  if (!cuda_is_available()) return skip("needs a GPU");
  const FactoryDevice scope(DeviceType::cuda);
  RandomStream random(0, 0, 0);
  const data::TensorDataset dataset = pictures();
  // Images of any strides, through each transform.
  const Tensor image = dataset.get(3)[0];
  const Tensor turned = from_storage(image.impl()->storage, uint8, image.layout().transpose(1, 2));
  for (const Tensor& from : {image, turned}) {
    Tensor x = from;
    for (const data::AnyTransform& step :
         {data::AnyTransform(data::RandomCrop(4)), data::AnyTransform(data::RandomHorizontalFlip(1)),
          data::AnyTransform(data::ToFloat()), data::AnyTransform(data::Normalize({0.5f}, {0.5f}))}) {
      x = step->apply(x, random);
      CHECK(x.device().is_cpu());
    }
    CHECK(std::isfinite(x.to_vector<float>()[0]));
  }
  CHECK(on_cpu(data::TensorDataset({turned}).get(0)));

  for (const int workers : {0, 2}) {
    walk({.batch_size = 5, .shuffle = true, .workers = workers}, dataset);
    walk({.batch_size = 5, .workers = workers, .transform = kSteps}, dataset);
    walk({.batch_size = 5, .workers = workers}, data::Subset(dataset, {3, 1}));
    walk({.batch_size = 5, .workers = workers, .transform = kSteps},
         data::ConcatDataset({dataset, data::random_split(dataset, {0.5, 0.5})[0]}));
    walk({.batch_size = 4, .workers = workers}, factories());
    walk({.batch_size = 4, .workers = workers, .collate = data::pad_collate()}, factories());
    walk({.batch_size = 4,
          .workers = workers,
          .transform =
              [](Sample& sample, RandomStream&) {
                sample.tensors[0] = tensor({1, 2});
              }},
         factories());
    CHECK(factory_device() == Device(DeviceType::cuda));
  }
  std::vector<Sample> samples = {Sample({dataset.get(0)[0]}), Sample({dataset.get(1)[0]})};
  CHECK(on_cpu(data::default_collate(samples).tensors));
  CHECK(on_cpu(data::pad_collate()(samples).tensors));
}

TEST_CASE("data: files with the factories' device on a GPU") {
  if (!cuda_is_available()) return skip("needs a GPU");
  const TemporaryFolder folder;
  const std::string two = {0, 0, 8, 1, 0, 0, 0, 2}, image(3072, 'x');
  folder.write("t10k-images-idx3-ubyte", {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 5, 6});
  folder.write("t10k-labels-idx1-ubyte", two + "\1\2");
  folder.write("test_batch.bin", "\1" + image + "\2" + image);
  folder.write("test.bin", "\1\2" + image);
  const FactoryDevice scope(DeviceType::cuda);
  CHECK(on_cpu({data::read_idx(folder / "t10k-images-idx3-ubyte")}));
  CHECK(on_cpu(data::mnist(folder.path(), {.train = false}).tensors()));
  CHECK(on_cpu(data::fashion_mnist(folder.path(), {.train = false}).tensors()));
  CHECK(on_cpu(data::cifar10(folder.path(), {.train = false}).tensors()));
  CHECK(on_cpu(data::cifar100(folder.path(), {.train = false}).tensors()));
  const TemporaryFolder pickles;
  const std::string command =
      "/usr/bin/python3 tests/data/make_cifar.py '" + pickles.path() + "' python2 2>/dev/null";
  if (std::system(command.c_str()) != 0) return skip("needs python3 with numpy");
  CHECK(on_cpu(data::cifar10(pickles.path()).tensors()));
  CHECK(on_cpu(data::cifar100(pickles.path()).tensors()));
}

TEST_CASE("loader: pinned batches") {
  for (const int workers : {0, 2}) {
    for (const bool collates : {false, true}) {
      const data::LoaderOptions options = {
          .batch_size = 4,
          .shuffle = true,
          .workers = workers,
          .transform = kSteps,
          .collate = collates ? data::Collate(data::default_collate) : data::Collate(),
          .pin_memory = true};
      data::LoaderOptions plain = options;
      plain.pin_memory = false;
      const DataLoader pinned(pictures(), options), usual(pictures(), plain);
      for (int64_t epoch = 0; epoch < 3; ++epoch) {
        Tensors on_device, expected;
        for (const data::Batch& batch : usual.epoch(epoch)) expected.push_back(batch[0]);
        for (const data::Batch& batch : pinned.epoch(epoch)) {
          for (const Tensor& x : batch.tensors)
            if constexpr (kCudaBuilt) CHECK(cuda::is_pinned(x.raw_data()) == cuda_is_available());
          if (cuda_is_available()) on_device.push_back(batch[0].to(DeviceType::cuda));
          CHECK(batch[0].layout().strides == expected[size_t(batch.index)].layout().strides);
          CHECK(batch[0].to_vector<float>() == expected[size_t(batch.index)].to_vector<float>());
        }
        // Memory that is used again does not change what is copied from it.
        for (size_t i = 0; i < on_device.size(); ++i)
          CHECK(on_device[i].to(cpu).to_vector<float>() == expected[i].to_vector<float>());
      }
    }
  }
}
