#pragma once

#include <kiln/models/info.h>
#include <kiln/models/model.h>

// Models by name: torchvision's classifiers, and one's own.
//
//     models::Model net = models::create("resnet50", {.num_classes = 10});
//     for (const std::string& name : models::names()) std::puts(name.c_str());

namespace kiln::nn::models {

// A new model with new weights, as its own function or class would make it. Throws when there is no such
// model, with the name that was probably meant, and when an option is set that it does not have.
Model create(std::string_view name, const ModelOptions& options = {});

// All that create takes, sorted.
std::vector<std::string> names();

struct AddOptions {
  std::vector<std::string> heads;  // paths of the layers that give num_classes, the one of the result first
  image::Preset preset;
};
// Makes create, names and load know another model; `make` gets all options and refuses what it does not have.
// Throws when the name is taken or empty. May be called from any thread.
void add(std::string name, Function<AnyModule(const ModelOptions& options)> make,
         const AddOptions& options = {});

}  // namespace kiln::nn::models

namespace kiln {
namespace models = nn::models;
}
