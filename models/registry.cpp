#include <kiln/models/registry.h>

#include <algorithm>
#include <map>
#include <mutex>

#include <kiln/models/models.h>
#include <kiln/nn/names.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn::models {

namespace {

constexpr Family (*kFamilies[])() = {
    families::alexnet,
    families::convnext,
    families::densenet,
    families::efficientnet,
    families::efficientnet_lite,
    families::googlenet,
    families::inception_v3,
    families::lenet,
    families::maxvit,
    families::mnasnet,
    families::mobilenet_v2,
    families::mobilenet_v3,
    families::regnet,
    families::resnet,
    families::shufflenet_v2,
    families::squeezenet,
    families::swin_transformer,
    families::vgg,
    families::vision_transformer,
};

struct Registry {
  std::mutex lock;
  std::map<std::string, Registered, std::less<>> models;
  std::map<std::string, std::shared_ptr<const Family>, std::less<>> types;

  Registry() {
    for (const auto& make : kFamilies) {
      const auto family = std::make_shared<const Family>(make());
      types[family->type] = family;
      for (const Builder& builder : family->builders) models[builder.name] = {builder, family};
    }
  }
};

Registry& registry() {
  static Registry all;
  return all;
}

[[noreturn]] void fail_unknown(std::string_view name) {
  const std::vector<std::string> all = names();
  const std::string close = closest_name(name, all);
  std::string list;
  for (const std::string& each : all) list += (list.empty() ? "" : ", ") + each;
  fail("create: there is no model '{}'{}; there are {}", name,
       close.empty() ? "" : fmt::format(", did you mean '{}'?", close), list);
}

// Options that a model does not take are no reason to guess.
void refuse_others(const Registered& model, const ModelOptions& options) {
  if (options.num_classes && *options.num_classes < 1)
    fail("create: {} needs at least one class, num_classes is {}", model.builder.name, *options.num_classes);
  if (model.is_own) return;
  const std::vector<std::string>& own = model.family->options;
  for (const std::string& option : given_options(options))
    if (option != "num_classes" && std::ranges::find(own, option) == own.end())
      fail("create: {} has no option '{}'; leave it out", model.builder.name, option);
}

}  // namespace

Registered registered(std::string_view name) {
  Registry& all = registry();
  {
    const std::lock_guard lock(all.lock);
    if (const auto found = all.models.find(name); found != all.models.end()) return found->second;
  }
  fail_unknown(name);
}

AnyModule make(const Registered& model, const ModelOptions& options) {
  refuse_others(model, options);
  return model.builder.make(options);
}

std::shared_ptr<const Family> family_of(const Module& net) {
  Registry& all = registry();
  const std::string type = net.type_name();
  const std::lock_guard lock(all.lock);
  const auto found = all.types.find(type);
  return found == all.types.end() ? nullptr : found->second;
}

std::vector<std::string> names() {
  Registry& all = registry();
  const std::lock_guard lock(all.lock);
  std::vector<std::string> result;
  for (const auto& [name, model] : all.models) result.push_back(name);
  return result;
}

void add(std::string name, Function<AnyModule(const ModelOptions&)> make, const AddOptions& options) {
  if (name.empty() || !make) fail("models::add: needs a name and a function that makes the model");
  Family family;
  family.heads = options.heads;
  family.preset = options.preset;
  Registry& all = registry();
  const std::lock_guard lock(all.lock);
  if (all.models.contains(name)) fail("models::add: there already is a model '{}'", name);
  Builder builder{name, std::move(make)};
  all.models[std::move(name)] = {std::move(builder), std::make_shared<const Family>(std::move(family)), true};
}

}  // namespace kiln::nn::models
