#include <doctest/doctest.h>

#include <kiln/models/classic/alexnet.h>
#include <kiln/models/residual/resnet.h>

#include "torch_modules.h"

using namespace kiln;

TEST_CASE("whole networks compute what PyTorch's compute, forward and backward") {
  test::check_modules({{nn::models::resnet18({.num_classes = 10}), {2, 3, 64, 64}},
                       {nn::models::AlexNet({.num_classes = 10}), {1, 3, 64, 64}, false}},
                      "tests/nn/network_cases.txt");
}
