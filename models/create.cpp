#include <kiln/io/load.h>
#include <kiln/models/card.h>
#include <kiln/models/load_weights.h>
#include <kiln/models/models.h>

namespace kiln::nn::models {

namespace {

image::Preset preset_of(std::string_view name, const ModelOptions& options) {
  image::Preset preset = info(name).preset;
  if (options.image_size && preset.crop != *options.image_size)
    preset.resize = preset.crop = *options.image_size;
  return preset;
}

}  // namespace

Model create(std::string_view name, const ModelOptions& options) {
  const Registered model = registered(name);
  if (options.weights.empty()) {
    Card card;
    card.architecture = model.builder.name;
    card.options = options;
    card.preset = preset_of(name, options);
    return {make(model, options), std::move(card)};
  }
  const Value value = io::load(options.weights, {.dtype = float32});
  Model result = create_with_weights(model, options, value, options.weights);
  if (const auto published = find_published(options.weights)) {
    result.card.preset = published->preset;
  } else if (is_whole_model(value)) {
    const Card card = read_card(value, options.weights);
    result.card.preset = card.preset;
    if (result.new_parameters.empty()) result.card.class_names = card.class_names;
  } else {
    result.card.preset = preset_of(name, result.card.options);
  }
  return result;
}

}  // namespace kiln::nn::models
