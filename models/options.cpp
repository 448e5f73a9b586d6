#include <kiln/models/options.h>

#include <variant>

#include <kiln/tensor/base/closest_word.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn::models {

namespace {

// All options but weights and custom: the one list of their names.
struct Option {
  const char* name;
  std::variant<std::optional<int64_t> ModelOptions::*, std::optional<double> ModelOptions::*,
               std::optional<bool> ModelOptions::*>
      member;
};
constexpr Option kOptions[] = {
    {"num_classes", &ModelOptions::num_classes},
    {"dropout", &ModelOptions::dropout},
    {"attention_dropout", &ModelOptions::attention_dropout},
    {"stochastic_depth_prob", &ModelOptions::stochastic_depth_prob},
    {"zero_init_residual", &ModelOptions::zero_init_residual},
    {"aux_logits", &ModelOptions::aux_logits},
    {"transform_input", &ModelOptions::transform_input},
    {"image_size", &ModelOptions::image_size},
};

void take(std::optional<int64_t>& member, const Value& value) { member = value.as_int(); }
void take(std::optional<double>& member, const Value& value) { member = value.as_float(); }
void take(std::optional<bool>& member, const Value& value) { member = value.as_bool(); }

const Option& option_named(const std::string& name) {
  std::vector<std::string> names = {"custom"};
  for (const Option& option : kOptions) {
    if (name == option.name) return option;
    names.emplace_back(option.name);
  }
  const std::string close = closest_word(name, names);
  fail("models: there is no option '{}'{}", name,
       close.empty() ? "" : fmt::format(", did you mean '{}'?", close));
}

}  // namespace

Value to_value(const ModelOptions& options) {
  Value dict = Value::dict();
  for (const Option& option : kOptions)
    std::visit(
        [&](auto member) {
          if (options.*member) dict[option.name] = *(options.*member);
        },
        option.member);
  if (!options.custom.is_none()) dict["custom"] = options.custom;
  return dict;
}

ModelOptions to_options(const Value& dict) {
  ModelOptions options;
  for (const auto& [key, value] : dict.entries()) {
    const Value& given = value;
    if (key.text() == "custom")
      options.custom = given;
    else
      std::visit([&](auto member) { take(options.*member, given); }, option_named(key.text()).member);
  }
  return options;
}

std::vector<std::string> given_options(const ModelOptions& options) {
  std::vector<std::string> names;
  for (const auto& [key, value] : to_value(options).entries()) names.push_back(key.text());
  return names;
}

}  // namespace kiln::nn::models
