#pragma once

#include <functional>
#include <thread>
#include <vector>

#include <kiln/kiln.h>

#include "support/sanitizers.h"

namespace kiln::test {

// f(0) .. f(count - 1) at once, each on a thread of its own.
inline void together(int count, const std::function<void(int)>& f) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(f, i);
  for (std::thread& thread : threads) thread.join();
}

// A small network with all that is cached somewhere: convolutions, batch norm, pooling, a product.
struct ConvNet : nn::Module {
  nn::Conv2d conv1{3, 8, 3, {.padding = 1}}, conv2{8, 16, 3};
  nn::BatchNorm2d bn{8};
  nn::Linear fc{16 * 5 * 5, 10};
  NN_MEMBERS(conv1, conv2, bn, fc)
  Tensor forward(const Tensor& x) { return fc(flatten(max_pool2d(relu(conv2(bn.relu(conv1(x)))), 2), 1)); }
};

}  // namespace kiln::test
