#pragma once

#include <kiln/kiln.h>

// The classic three-convolution network on CIFAR-10, for cifar10.cpp, which trains it, and predict.cpp.

struct Cifar10Net : kiln::nn::Module {
  kiln::nn::Conv2d conv1{3, 32, 5, {.padding = 2}}, conv2{32, 32, 5, {.padding = 2}},
      conv3{32, 64, 5, {.padding = 2}};
  kiln::nn::Linear fc1{1024, 64}, fc2;
  NN_MEMBERS(conv1, conv2, conv3, fc1, fc2)

  explicit Cifar10Net(int64_t classes = 10) : fc2(64, classes) {}

  kiln::Tensor forward(const kiln::Tensor& x) {
    const kiln::Tensor a = kiln::max_pool2d(conv1(x), 2);
    const kiln::Tensor b = kiln::max_pool2d(conv2(a), 2);
    const kiln::Tensor c = kiln::max_pool2d(conv3(b), 2);
    return fc2(fc1(kiln::flatten(c, 1)));
  }
};

inline constexpr const char* kCifar10Net = "cifar10_net";

// Tells models::create and models::load of it; its pictures are 32 x 32, as floats of 0 .. 1.
inline void add_cifar10_net() {
  kiln::image::Preset preset;
  preset.resize = preset.crop = 32;
  preset.mean = {0, 0, 0};
  preset.std = {1, 1, 1};
  kiln::models::add(kCifar10Net,
                    [](const kiln::models::ModelOptions& options) -> kiln::nn::AnyModule {
                      return Cifar10Net(options.num_classes.value_or(10));
                    },
                    {.heads = {"fc2"}, .preset = preset});
}
