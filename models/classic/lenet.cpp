#include <kiln/models/classic/lenet.h>

#include <kiln/models/family.h>

namespace kiln::nn::models {

Family families::lenet() {
  return {.type = "LeNet",
          .heads = {"fc3"},
          .builders = {{"lenet",
                        [](const ModelOptions& given) { return LeNet(given.num_classes.value_or(10)); }}},
          .preset = {.resize = 28, .crop = 28, .mean = {0, 0, 0}, .std = {1, 1, 1}, .channels = 1}};
}

}  // namespace kiln::nn::models
