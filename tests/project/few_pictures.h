#pragma once

#include <string>

#include <fmt/format.h>

#include <kiln/image/encode.h>
#include <kiln/kiln.h>
#include <kiln/project/train.h>
#include <support/files.h>

// Small sets of pictures for tests.

namespace kiln::test {

// A picture of noise around a colour.
inline Tensor noise_around(double red, double green, double blue, uint64_t seed, int64_t size = 40) {
  Generator generator{seed};
  const Tensor colour = tensor({red, green, blue}).to(float32).reshape({3, 1, 1});
  return clamp(colour + 25 * randn({3, size, size}, {}, &generator), 0, 255).to(uint8);
}

// folder/{red,green}/NN.png: 16 of each.
inline std::string red_and_green(const TemporaryFolder& folder, const std::string& name = "set",
                                 int count = 16) {
  for (int i = 0; i < count; ++i) {
    folder.write(fmt::format("{}/red/{:02}.png", name, i),
                 image::encode_png(noise_around(200, 60, 60, 2 * i)));
    folder.write(fmt::format("{}/green/{:02}.png", name, i),
                 image::encode_png(noise_around(60, 180, 60, 2 * i + 1)));
  }
  return folder / name;
}

// A network that learns in moments, under the name "tiny"; its pictures have 32 pixels a side.
inline void add_tiny_model() {
  static const bool added = [] {
    image::Preset preset;
    preset.resize = preset.crop = 32;
    models::add("tiny",
                [](const models::ModelOptions& options) -> nn::AnyModule {
                  return nn::Sequential(nn::Conv2d(3, 8, 3, {.stride = 2}), nn::BatchNorm2d(8), nn::ReLU(),
                                        nn::AdaptiveAvgPool2d(1), nn::Flatten(),
                                        nn::Linear(8, options.num_classes.value_or(2)));
                },
                {.heads = {"5"}, .preset = preset});
    return true;
  }();
  static_cast<void>(added);
}

// Six short epochs of it on such a set; a quarter of the pictures judge.
inline project::TrainOptions tiny_run(const std::string& data, const std::string& out) {
  add_tiny_model();
  project::TrainOptions options = {.data = data, .out = out, .model = "tiny", .augment = "crop,flip,jitter"};
  options.validation = 0.25;
  options.recipe = {.epochs = 6, .batch_size = 8, .lr = 0.02};
  options.device = "cpu";
  return options;
}

}  // namespace kiln::test
