#pragma once

#include <optional>
#include <string>
#include <vector>

#include <kiln/image/preset.h>
#include <kiln/tensor/shape.h>

// What is known of the models without making them.

namespace kiln::nn::models {

// A file of weights that torchvision publishes for a model. Kiln downloads nothing; it knows these files by
// their names. Figures are torchvision's own, for ImageNet-1K's validation set.
struct PublishedWeights {
  std::string name;  // "IMAGENET1K_V2"
  std::string file;  // "resnet50-11ad3fa6.pth"
  image::Preset preset;
  int64_t parameters = 0;     // elements, with 1000 classes
  double acc1 = 0, acc5 = 0;  // per cent; 0: not said
  double gmacs = 0;           // 10^9 multiplications with an addition for one picture of the preset's size
  bool is_default = false;    // what torchvision's "DEFAULT" stands for
};

struct ModelInfo {
  std::string name;
  std::string type;  // the class: "ResNet"
  // With its default options. The preset is that of the default weights; a network that has to know the
  // picture's size (ViT) has that of the first weights of that size.
  image::Preset preset;
  Shape input;                       // one picture: [1, 3, 224, 224]
  int64_t parameters = 0;            // elements; 0: not known before it is made
  double gmacs = 0;                  // for that picture; 0: not known
  std::vector<std::string> options;  // those that it has
  std::vector<std::string> heads;    // the layers that give num_classes, the one of the result first
  std::vector<PublishedWeights> weights;
};

// Throws when there is no such model, with the name that was probably meant.
ModelInfo info(std::string_view name);

// The published file of that name, which may be a path; nothing when it is none. `model` gets whose it is.
std::optional<PublishedWeights> find_published(std::string_view file, std::string* model = nullptr);

}  // namespace kiln::nn::models
