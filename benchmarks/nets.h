#pragma once

#include <kiln/kiln.h>

// The nets that several benchmarks train.

namespace kiln::benchmarks {

struct Mlp : nn::Module {
  nn::Linear fc1{1, 3}, fc2{3, 1};
  NN_MEMBERS(fc1, fc2)
  Tensor forward(const Tensor& x) { return fc2(relu(fc1(x))); }
};

struct CifarNet : nn::Module {
  nn::Conv2d conv1{3, 32, 5, {.padding = 2}}, conv2{32, 32, 5, {.padding = 2}},
      conv3{32, 64, 5, {.padding = 2}};
  nn::Linear fc1{1024, 64}, fc2{64, 10};
  NN_MEMBERS(conv1, conv2, conv3, fc1, fc2)
  Tensor forward(const Tensor& x) {
    Tensor y = max_pool2d(conv1(x), 2);
    y = max_pool2d(conv2(y), 2);
    y = max_pool2d(conv3(y), 2);
    return fc2(fc1(flatten(y, 1)));
  }
};

struct FashionNet : nn::Module {
  nn::Conv2d conv1{1, 32, 3, {.padding = 1}};
  nn::BatchNorm2d bn1{32};
  nn::Conv2d conv2{32, 64, 3, {.padding = 1}};
  nn::BatchNorm2d bn2{64};
  nn::Linear fc1{3136, 128}, fc2{128, 10};
  NN_MEMBERS(conv1, bn1, conv2, bn2, fc1, fc2)
  Tensor forward(const Tensor& x) {
    Tensor y = max_pool2d(bn1.relu(conv1(x)), 2);
    y = max_pool2d(bn2.relu(conv2(y)), 2);
    return fc2(relu(fc1(flatten(y, 1))));
  }
};

}  // namespace kiln::benchmarks
