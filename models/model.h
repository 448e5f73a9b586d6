#pragma once

#include <utility>

#include <kiln/image/preset.h>
#include <kiln/models/options.h>
#include <kiln/nn/any_module.h>

namespace kiln::nn::models {

// What is known of a network besides its weights: what makes it again, and what its numbers mean.
struct Card {
  std::string architecture;              // the name that models::create takes; "": none
  ModelOptions options;                  // those that it was made with, without the path of weights
  image::Preset preset;                  // what pictures it wants
  std::vector<std::string> class_names;  // one a score, or none
  std::vector<std::pair<std::string, double>> metrics;  // {"accuracy", 0.93}, ...
  std::string command;                                  // that made it
  Value metadata;                                       // a dict of anything more, or none
};

// A network that knows what it is. It is an AnyModule, called, trained and passed on like one; models::save
// writes all of it to one file, models::load brings it back.
//
//     models::Model net = models::create("resnet50", {.num_classes = 2});
//     net.card.class_names = {"cat", "dog"};
struct Model : AnyModule {
  Card card;
  // The parameters that the file of options.weights did not give: those of a new head.
  std::vector<std::string> new_parameters;

  Model() = default;
  Model(AnyModule module, Card about) : AnyModule(std::move(module)), card(std::move(about)) {}
};

}  // namespace kiln::nn::models
