#pragma once

#include <optional>

#include <kiln/nn/any_module.h>

// Models by name.
//
//     nn::AnyModule net = models::create("resnet50", {.num_classes = 10});
//     for (const std::string& name : models::names()) std::puts(name.c_str());

namespace kiln::nn::models {

// What is not set is the model's own default.
struct ModelOptions {
  std::optional<int64_t> num_classes;
  std::optional<double> dropout;
  std::optional<bool> zero_init_residual;
};

// A new model with new weights, as its own function or class would make it. Throws when there is no such
// model, with the name that was probably meant, and when an option is set that it does not have.
AnyModule create(std::string_view name, const ModelOptions& options = {});

// All that create takes, sorted.
std::vector<std::string> names();

// Makes create and names know another model. Throws when the name is taken or empty. May be called from any
// thread.
void add(std::string name, Function<AnyModule(const ModelOptions& options)> make);

}  // namespace kiln::nn::models

namespace kiln {
namespace models = nn::models;
}
