// What a picture costs before a network sees it: decoding, resizing, and both in one, on one core.
// tests/pillow/table.py has the same beside Pillow, on photographs.

#include <benchmark/benchmark.h>

#include <kiln/image/decode.h>
#include <kiln/image/encode.h>
#include <kiln/image/prepare.h>
#include <kiln/image/resize.h>
#include <kiln/kiln.h>

#include "photograph.h"

namespace {

using namespace kiln;
using benchmarks::photograph;

void count(benchmark::State& state, int64_t pixels) {
  state.SetItemsProcessed(state.iterations() * pixels);
  state.counters["megapixels"] = double(pixels) * 1e-6;
}

constexpr int64_t kHeight = 960, kWidth = 1280;

void decode_jpeg(benchmark::State& state) {
  const std::string bytes = image::encode_jpeg(photograph(kHeight, kWidth), {.quality = 90});
  for (auto _ : state) benchmark::DoNotOptimize(image::decode(bytes).raw_data());
  count(state, kHeight * kWidth);
}
void decode_png(benchmark::State& state) {
  const std::string bytes = image::encode_png(photograph(kHeight, kWidth));
  for (auto _ : state) benchmark::DoNotOptimize(image::decode(bytes).raw_data());
  count(state, kHeight * kWidth);
}
void prepare_jpeg(benchmark::State& state) {
  const std::string bytes = image::encode_jpeg(photograph(kHeight, kWidth), {.quality = 90});
  for (auto _ : state) benchmark::DoNotOptimize(image::prepare(bytes, image::Preset()).raw_data());
  count(state, kHeight * kWidth);
}
void prepare_picture(benchmark::State& state) {
  const Tensor picture = photograph(kHeight, kWidth);
  for (auto _ : state) benchmark::DoNotOptimize(image::prepare(picture, image::Preset()).raw_data());
  count(state, kHeight * kWidth);
}

void resize(benchmark::State& state, image::Interpolation interpolation, int64_t channels) {
  const Tensor picture = photograph(kHeight, kWidth).slice(0, 0, channels);
  for (auto _ : state)
    benchmark::DoNotOptimize(image::resize(picture, {256, 341}, {.interpolation = interpolation}).raw_data());
  count(state, kHeight * kWidth);
}

BENCHMARK(decode_jpeg)->Unit(benchmark::kMillisecond);
BENCHMARK(decode_png)->Unit(benchmark::kMillisecond);
BENCHMARK(prepare_jpeg)->Unit(benchmark::kMillisecond);
BENCHMARK(prepare_picture)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(resize, nearest, image::Interpolation::nearest, 3)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(resize, bilinear, image::Interpolation::bilinear, 3)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(resize, bicubic, image::Interpolation::bicubic, 3)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(resize, lanczos, image::Interpolation::lanczos, 3)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(resize, bilinear_grey, image::Interpolation::bilinear, 1)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
