#pragma once

#include <kiln/nn/nn.h>

namespace kiln::nn::models {

// LeNet-5 (LeCun et al., "Gradient-based learning applied to document recognition", 1998) with ReLU and max
// pooling. x [N, 1, 28, 28] -> scores [N, num_classes].
struct LeNet : Module {
  Replaceable<Conv2d> conv1{Conv2d(1, 6, 5, {.padding = 2})};
  Replaceable<Conv2d> conv2{Conv2d(6, 16, 5)};
  Replaceable<Linear> fc1{Linear(400, 120)};
  Replaceable<Linear> fc2{Linear(120, 84)};
  Replaceable<Linear> fc3;
  NN_MEMBERS(conv1, conv2, fc1, fc2, fc3)

  explicit LeNet(int64_t num_classes = 10) : fc3(Linear(84, num_classes)) {}
  Tensor forward(const Tensor& x) const {
    const Tensor y = max_pool2d(relu(conv2(max_pool2d(relu(conv1(x)), 2))), 2);
    return fc3(relu(fc2(relu(fc1(flatten(y, 1))))));
  }
};

}  // namespace kiln::nn::models
