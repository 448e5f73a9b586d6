#include <kiln/models/whole_file.h>

#include <algorithm>

#include <kiln/io/open.h>
#include <kiln/models/card.h>
#include <kiln/models/load_weights.h>
#include <kiln/models/models.h>
#include <kiln/nn/init.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn::models {

namespace {

// What differs between the weights of a network and those that its card would make; "" when nothing does.
std::string difference(const StateDict& own, const StateDict& made) {
  for (const auto& [name, x] : own) {
    const Tensor* other = made.find(name);
    if (other == nullptr) return fmt::format("'{}' is not in it", name);
    if (other->shape() != x.shape())
      return fmt::format("'{}' has shape {} there, {} here", name, other->shape(), x.shape());
  }
  for (const auto& [name, x] : made)
    if (!own.contains(name)) return fmt::format("'{}' is missing here", name);
  return "";
}

void check_card(const Module& net, const Card& card, const std::string& path) {
  if (card.architecture.empty())
    fail(
        "models::save: '{}' needs the name of an architecture in its card; models::add gives a network of "
        "one's own a name",
        path);
  const Registered model = registered(card.architecture);
  AnyModule made;
  {
    const init::Skip skip;
    made = make(model, card.options);
  }
  StateDict own = net.state_dict();
  // Of an older version: what makes it fit is done again by load.
  if (model.family->adapt) model.family->adapt(made, own);
  if (const std::string text = difference(own, made.state_dict()); !text.empty())
    fail(
        "models::save: the network is not what '{}' with its options makes: {}; a network that was changed "
        "by "
        "hand needs a name of its own (models::add)",
        card.architecture, text);
  const auto classes = card.options.num_classes;
  if (classes && !card.class_names.empty() && int64_t(card.class_names.size()) != *classes)
    fail("models::save: the card names {} classes, the network has {}", card.class_names.size(), *classes);
}

}  // namespace

void save(const Module& net, const std::string& path, const Card& card, const io::SaveOptions& options) {
  check_card(net, card, path);
  io::save(path, {{kCardEntry, to_value(card)}, {kWeightsEntry, net.state_dict()}}, options);
}

void save(const Model& net, const std::string& path, const io::SaveOptions& options) {
  save(net.module(), path, net.card, options);
}

Model load(const std::string& path, const io::LoadOptions& options) {
  const Value value = io::load(path, options);
  const Card card = read_card(value, path);
  const std::vector<std::string> known = names();
  if (std::ranges::find(known, card.architecture) == known.end())
    fail(
        "models::load: '{}' is a '{}', which is no model that is known here; models::add has to tell of it "
        "first",
        path, card.architecture);
  const Registered model = registered(card.architecture);
  // The number of classes is read off the weights, which are really there.
  ModelOptions given = card.options;
  given.num_classes.reset();
  Model net = create_with_weights(model, given, *value.find(kWeightsEntry), path);
  const auto classes = net.card.options.num_classes;
  if (classes && card.options.num_classes && *classes != *card.options.num_classes)
    fail("models::load: the card of '{}' tells of {} classes, its weights have {}", path,
         *card.options.num_classes, *classes);
  net.to(options.device);
  net.eval();
  const ModelOptions made = net.card.options;
  net.card = card;
  net.card.options = made;
  return net;
}

namespace {

std::string shown(const image::Preset& preset) {
  constexpr const char* kNames[] = {"nearest", "bilinear", "bicubic", "Lanczos"};
  return fmt::format("{}resize {}, crop {}, {}, mean {:.4g}, std {:.4g}",
                     preset.channels == 1 ? "grey, " : "", preset.resize, preset.crop,
                     kNames[size_t(preset.interpolation)],
                     fmt::join(preset.mean.begin(), preset.mean.begin() + preset.channels, " "),
                     fmt::join(preset.std.begin(), preset.std.begin() + preset.channels, " "));
}

}  // namespace

std::string to_string(const Card& card) {
  // More names would say less.
  constexpr size_t kShown = 10;
  std::string options, classes, metrics;
  for (const auto& [name, value] : to_value(card.options).entries())
    options += fmt::format("{}{} {}", options.empty() ? "" : ", ", name.text(), to_string(value));
  for (size_t i = 0; i < std::min(kShown, card.class_names.size()); ++i)
    classes += (i == 0 ? "" : ", ") + card.class_names[i];
  if (card.class_names.size() > kShown) classes += fmt::format(", ... ({} in all)", card.class_names.size());
  for (const auto& [name, value] : card.metrics)
    metrics += fmt::format("{}{} {:.6g}", metrics.empty() ? "" : ", ", name, value);
  std::string text;
  const auto line = [&](const char* name, std::string content) {
    // A file's words must not command a terminal.
    for (char& c : content)
      if (uint8_t(c) < 0x20 || c == 0x7f) c = '?';
    if (!content.empty()) text += fmt::format("{:<13} {}\n", name, content);
  };
  line("architecture", card.architecture);
  line("options", options);
  line("pictures", shown(card.preset));
  line("classes", classes);
  line("metrics", metrics);
  line("made by", card.command);
  if (!card.metadata.is_none()) line("metadata", to_string(card.metadata));
  return text;
}

Card load_card(const std::string& path) { return read_card(io::open(path).outline(), path); }

}  // namespace kiln::nn::models
