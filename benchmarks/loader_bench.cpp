// What a data loader costs: images a second, and the time an image takes.

#include <benchmark/benchmark.h>

#include <chrono>
#include <thread>

#include <kiln/data/data.h>

namespace {

using namespace kiln;

data::TensorDataset images(int64_t count, int64_t channels, int64_t size) {
  Tensor x = empty({count, channels, size, size}, {.dtype = uint8}), y = empty({count}, {.dtype = int64});
  data::RandomStream random(0, 0, 0);
  for (int64_t i = 0; i < x.numel(); ++i) x.data<uint8_t>()[i] = uint8_t(random.bits());
  for (int64_t i = 0; i < count; ++i) y.data<int64_t>()[i] = random.below(10);
  return data::TensorDataset({x, y});
}

void run(benchmark::State& state, const data::TensorDataset& dataset, const data::AnyTransform& transform) {
  const data::DataLoader loader(dataset, {.batch_size = 64,
                                          .shuffle = true,
                                          .drop_last = true,
                                          .workers = int(state.range(0)),
                                          .transform = transform});
  int64_t epoch = 0, count = 0;
  for (auto _ : state)
    for (auto& [x, y] : loader.epoch(epoch++)) {
      benchmark::DoNotOptimize(x.raw_data());
      count += y.numel();
    }
  state.SetItemsProcessed(count);
  state.counters["per_image"] =
      benchmark::Counter(double(count), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void fashion_mnist(benchmark::State& state) {
  run(state, images(10'000, 1, 28), data::Compose({data::ToFloat(), data::Normalize({0.2860f}, {0.3530f})}));
}

void fashion_mnist_augmented(benchmark::State& state) {
  run(state, images(10'000, 1, 28),
      data::Compose({data::RandomCrop(28, {.padding = 2}), data::RandomHorizontalFlip(), data::ToFloat(),
                     data::Normalize({0.2860f}, {0.3530f})}));
}

void cifar_augmented(benchmark::State& state) {
  run(state, images(10'000, 3, 32),
      data::Compose({data::RandomCrop(32, {.padding = 4}), data::RandomHorizontalFlip(), data::ToFloat(),
                     data::Normalize({0.491f, 0.482f, 0.447f}, {0.247f, 0.243f, 0.262f})}));
}

// How long the first batch of an epoch is waited for when what a program does at the end of an epoch (a
// checkpoint, an evaluation) takes 20 ms. Shuffling is a part of it.
void first_batch(benchmark::State& state) {
  const data::DataLoader loader(
      images(60'000, 1, 28),
      {.batch_size = 64, .shuffle = true, .workers = int(state.range(0)), .transform = data::ToFloat()});
  for (auto& [x, y] : loader) benchmark::DoNotOptimize(x.raw_data());
  for (auto _ : state) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const auto start = std::chrono::steady_clock::now();
    auto at = loader.begin();
    const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - start;
    state.SetIterationTime(waited.count());
    while (!(at == data::BatchIterator::End())) ++at;
  }
}

BENCHMARK(first_batch)
    ->ArgName("workers")
    ->DenseRange(0, 2)
    ->Iterations(20)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(fashion_mnist)->ArgName("workers")->DenseRange(0, 2)->UseRealTime();
BENCHMARK(fashion_mnist_augmented)->ArgName("workers")->DenseRange(0, 2)->UseRealTime();
BENCHMARK(cifar_augmented)->ArgName("workers")->DenseRange(0, 2)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
