#pragma once

#include <kiln/image/preset.h>
#include <kiln/models/options.h>
#include <kiln/nn/any_module.h>

// Internal: what a family of networks tells the registry, in a table that its own source gives. A family
// joins by its line here and in the list in registry.cpp.

namespace kiln::nn::models {

struct Builder {
  std::string name;  // torchvision's
  Function<AnyModule(const ModelOptions& options)> make;
  std::optional<image::Preset> preset;  // instead of the family's
};

struct Family {
  // The class of its networks, as type_name() gives it.
  std::string type;
  // The paths of the layers that give num_classes, the one of the result first.
  std::vector<std::string> heads;
  // Those that its builders look at besides num_classes; others are refused before.
  std::vector<std::string> options;
  std::vector<Builder> builders;
  // Makes weights of older or fuller files those of this network: renames, leaves out, resizes.
  Function<void(Module& net, StateDict& state)> adapt;
  // What options that are not set become for weights that torchvision publishes.
  Function<void(ModelOptions& options)> for_published;
  // Where torchvision publishes no weights, the pictures that it wants.
  image::Preset preset;
};

// Where an option is given, it takes the place of the network's own default.
template <class T>
void set(T& option, const std::optional<T>& given) {
  if (given) option = *given;
}

// An adapt: weights of the heads in the middle that the network does not have are left out.
void leave_out_aux(Module& net, StateDict& state);

namespace families {
Family alexnet();
Family convnext();
Family densenet();
Family efficientnet();
Family efficientnet_lite();
Family googlenet();
Family inception_v3();
Family lenet();
Family maxvit();
Family mnasnet();
Family mobilenet_v2();
Family mobilenet_v3();
Family regnet();
Family resnet();
Family shufflenet_v2();
Family squeezenet();
Family swin_transformer();
Family vgg();
Family vision_transformer();
}  // namespace families

}  // namespace kiln::nn::models
