#include <kiln/models/classic/alexnet.h>

namespace kiln::nn::models {

AlexNet::AlexNet(const AlexNetOptions& options)
    : features(Sequential(
          Conv2d(3, 64, 11, {.stride = 4, .padding = 2}), ReLU({.inplace = true}),
          MaxPool2d(3, {.stride = 2}), Conv2d(64, 192, 5, {.padding = 2}), ReLU({.inplace = true}),
          MaxPool2d(3, {.stride = 2}), Conv2d(192, 384, 3, {.padding = 1}), ReLU({.inplace = true}),
          Conv2d(384, 256, 3, {.padding = 1}), ReLU({.inplace = true}), Conv2d(256, 256, 3, {.padding = 1}),
          ReLU({.inplace = true}), MaxPool2d(3, {.stride = 2}))),
      classifier(Sequential(Dropout(options.dropout), Linear(256 * 6 * 6, 4096), ReLU({.inplace = true}),
                            Dropout(options.dropout), Linear(4096, 4096), ReLU({.inplace = true}),
                            Linear(4096, options.num_classes))) {}

}  // namespace kiln::nn::models
