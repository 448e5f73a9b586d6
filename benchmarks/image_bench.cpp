// What a picture costs before a network sees it: decoding, resizing, and both in one, on one core.
// tests/pillow/table.py has the same beside Pillow, on photographs.

#include <benchmark/benchmark.h>

#include <cmath>

#include <kiln/image/decode.h>
#include <kiln/image/encode.h>
#include <kiln/image/prepare.h>
#include <kiln/image/resize.h>
#include <kiln/kiln.h>

namespace {

using namespace kiln;

// Waves with some grain, side by side in memory as a decoder gives them.
Tensor photograph(int64_t height, int64_t width) {
  const Tensor picture = empty({height, width, 3}, {.dtype = uint8});
  uint32_t grain = 1;
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < 3; ++c) {
        grain = grain * 1664525 + 1013904223;
        const double wave = std::sin(double(x) * 0.02 + double(c)) * std::cos(double(y) * 0.013);
        picture.data<uint8_t>()[(y * width + x) * 3 + c] = uint8_t(120 + 100 * wave + double(grain >> 28));
      }
  return picture.permute({2, 0, 1});
}

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
