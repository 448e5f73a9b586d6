#include <kiln/models/classic/alexnet.h>

#include <kiln/models/family.h>

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

Family families::alexnet() {
  return {.type = "AlexNet",
          .heads = {"classifier.6"},
          .options = {"dropout"},
          .builders = {{"alexnet", [](const ModelOptions& given) {
                          AlexNetOptions options;
                          set(options.num_classes, given.num_classes);
                          set(options.dropout, given.dropout);
                          return AlexNet(options);
                        }}}};
}

}  // namespace kiln::nn::models
