#include <algorithm>

#include <kiln/models/models.h>
#include <kiln/models/registry.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn::models {

namespace {

// Options that a model does not take are no reason to guess.
void refuse_others(const Registered& model, const ModelOptions& options) {
  if (model.is_own) return;
  for (const std::string& option : given_options(options))
    if (option != "num_classes" &&
        std::ranges::find(model.family->options, option) == model.family->options.end())
      fail("create: {} has no option '{}'; leave it out", model.builder.name, option);
  if (options.num_classes && *options.num_classes < 1)
    fail("create: {} needs at least one class, num_classes is {}", model.builder.name, *options.num_classes);
}

}  // namespace

Model create(std::string_view name, const ModelOptions& options) {
  const Registered model = registered(name);
  refuse_others(model, options);
  Card card;
  card.architecture = model.builder.name;
  card.options = options;
  card.preset = info(name).preset;
  return {model.builder.make(options), std::move(card)};
}

}  // namespace kiln::nn::models
