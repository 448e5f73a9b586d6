#include <kiln/models/card.h>

#include <algorithm>

#include <kiln/models/models.h>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/version.h>
#include <kiln/tensor/value/state_dict.h>

namespace kiln::nn::models {

namespace {

constexpr int64_t kVersion = 1;
constexpr const char* kInterpolations[] = {"nearest", "bilinear", "bicubic", "lanczos"};
// Nobody's picture has more pixels a side; what is larger is a mistake or an attack.
constexpr int64_t kMaxPixels = 1 << 16;

template <size_t n>
Value numbers(const std::array<float, n>& values) {
  Value list = Value::list();
  for (const float value : values) list.push_back(double(value));
  return list;
}

Value to_value(const image::Preset& preset) {
  return {{"resize", preset.resize},
          {"crop", preset.crop},
          {"interpolation", kInterpolations[size_t(preset.interpolation)]},
          {"mean", numbers(preset.mean)},
          {"std", numbers(preset.std)},
          {"channels", preset.channels}};
}

std::array<float, 3> three(const Value& list) {
  if (list.items().size() != 3) fail("needs three numbers, has {}", list.items().size());
  std::array<float, 3> result{};
  for (size_t i = 0; i < 3; ++i) result[i] = float(list.items()[i].as_float());
  return result;
}

int64_t pixels(const Value& value) {
  const int64_t size = value.as_int();
  if (size < 1 || size > kMaxPixels) fail("needs 1 to {} pixels, has {}", kMaxPixels, size);
  return size;
}

// Files of before presets told of them have no channels.
int64_t channels_of(const Value& preset, const std::string& architecture) {
  const Value* given = preset.find("channels");
  if (given == nullptr)
    return std::ranges::count(names(), architecture) > 0 ? info(architecture).preset.channels : 3;
  const int64_t channels = given->as_int();
  if (channels != 1 && channels != 3) fail("needs 1 or 3 channels, has {}", channels);
  return channels;
}

image::Preset to_preset(const Value& value, const std::string& architecture) {
  image::Preset preset;
  preset.channels = channels_of(value, architecture);
  preset.resize = pixels(value.at("resize"));
  preset.crop = pixels(value.at("crop"));
  const std::string& name = value.at("interpolation").as_string();
  const auto* found = std::find(std::begin(kInterpolations), std::end(kInterpolations), name);
  if (found == std::end(kInterpolations)) fail("has no interpolation '{}'", name);
  preset.interpolation = image::Interpolation(found - std::begin(kInterpolations));
  preset.mean = three(value.at("mean"));
  preset.std = three(value.at("std"));
  for (const float deviation : preset.std)
    if (!(deviation > 0)) fail("needs a std above 0, has {}", deviation);
  return preset;
}

// Reads one entry of the card; what is wrong with it is said with its name and the file's.
template <class Read>
void read_entry(const Value& card, const char* name, const std::string& path, Read&& read) {
  const Value* value = card.find(name);
  if (value == nullptr) return;
  try {
    read(*value);
  } catch (const Error& error) {
    fail("models: '{}' is no whole model: its card's '{}' cannot be read: {}", path, name, error.what());
  }
}

}  // namespace

Value to_value(const Card& card) {
  Value names = Value::list(), metrics = Value::dict();
  for (const std::string& name : card.class_names) names.push_back(name);
  for (const auto& [name, value] : card.metrics) metrics[name] = value;
  return {{"version", kVersion},
          {"kiln", version()},
          {"architecture", card.architecture},
          {"options", to_value(card.options)},
          {"preset", to_value(card.preset)},
          {"class_names", names},
          {"metrics", metrics},
          {"command", card.command},
          {"metadata", card.metadata}};
}

bool is_whole_model(const Value& file) {
  if (!file.is_dict()) return false;
  const Value* card = file.find(kCardEntry);
  return card != nullptr && card->is_dict() && file.find(kWeightsEntry) != nullptr;
}

Card read_card(const Value& file, const std::string& path) {
  if (!is_whole_model(file))
    fail("models: '{}' is no whole model, it has no '{}' and '{}'; models::create takes weights alone", path,
         kCardEntry, kWeightsEntry);
  const Value& values = *file.find(kCardEntry);
  Card card;
  read_entry(values, "version", path, [&](const Value& value) {
    if (value.as_int() < 1 || value.as_int() > kVersion)
      fail("this Kiln reads version {}, the file has {}; a newer Kiln wrote it", kVersion, value.as_int());
  });
  read_entry(values, "architecture", path,
             [&](const Value& value) { card.architecture = value.as_string(); });
  read_entry(values, "options", path, [&](const Value& value) { card.options = to_options(value); });
  read_entry(values, "preset", path,
             [&](const Value& value) { card.preset = to_preset(value, card.architecture); });
  read_entry(values, "class_names", path, [&](const Value& value) {
    for (const Value& name : value.items()) card.class_names.push_back(name.as_string());
  });
  read_entry(values, "metrics", path, [&](const Value& value) {
    for (const auto& [name, number] : value.entries())
      card.metrics.emplace_back(name.text(), number.as_float());
  });
  read_entry(values, "command", path, [&](const Value& value) { card.command = value.as_string(); });
  if (const Value* metadata = values.find("metadata")) card.metadata = *metadata;
  return card;
}

}  // namespace kiln::nn::models
