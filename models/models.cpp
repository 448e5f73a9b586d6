#include <kiln/models/models.h>

#include <algorithm>
#include <mutex>

#include <kiln/models/classic/alexnet.h>
#include <kiln/models/classic/lenet.h>
#include <kiln/models/residual/resnet.h>
#include <kiln/nn/names.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn::models {

namespace {

using Make = Function<AnyModule(const ModelOptions&)>;
struct Model {
  std::string name;
  Make make;
};

// Options that a model does not take are no reason to guess.
void refuse(bool given, const char* model, const char* option) {
  if (given) fail("create: {} has no option '{}'; leave it out", model, option);
}

template <ResNet (*make)(const ResNetOptions&)>
AnyModule resnet(const char* name, const ModelOptions& given) {
  refuse(given.dropout.has_value(), name, "dropout");
  ResNetOptions options;
  options.num_classes = given.num_classes.value_or(options.num_classes);
  options.zero_init_residual = given.zero_init_residual.value_or(options.zero_init_residual);
  return make(options);
}

AnyModule alexnet(const ModelOptions& given) {
  refuse(given.zero_init_residual.has_value(), "alexnet", "zero_init_residual");
  AlexNetOptions options;
  options.num_classes = given.num_classes.value_or(options.num_classes);
  options.dropout = given.dropout.value_or(options.dropout);
  return AlexNet(options);
}

AnyModule lenet(const ModelOptions& given) {
  refuse(given.zero_init_residual.has_value(), "lenet", "zero_init_residual");
  refuse(given.dropout.has_value(), "lenet", "dropout");
  return given.num_classes ? LeNet(*given.num_classes) : LeNet();
}

struct Known {
  std::mutex lock;
  std::vector<Model> models = {
      {"alexnet", alexnet},
      {"lenet", lenet},
      {"resnet18", [](const ModelOptions& o) { return resnet<resnet18>("resnet18", o); }},
      {"resnet34", [](const ModelOptions& o) { return resnet<resnet34>("resnet34", o); }},
      {"resnet50", [](const ModelOptions& o) { return resnet<resnet50>("resnet50", o); }},
  };

  std::vector<Model>::iterator place(std::string_view name) {
    return std::lower_bound(models.begin(), models.end(), name,
                            [](const Model& model, std::string_view wanted) { return model.name < wanted; });
  }
};

Known& known() {
  static Known all;
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

}  // namespace

AnyModule create(std::string_view name, const ModelOptions& options) {
  Make make;
  {
    Known& all = known();
    const std::lock_guard lock(all.lock);
    if (const auto found = all.place(name); found != all.models.end() && found->name == name)
      make = found->make;
  }
  if (!make) fail_unknown(name);
  return make(options);
}

std::vector<std::string> names() {
  Known& all = known();
  const std::lock_guard lock(all.lock);
  std::vector<std::string> result;
  for (const Model& model : all.models) result.push_back(model.name);
  return result;
}

void add(std::string name, Make make) {
  if (name.empty() || !make) fail("models::add: needs a name and a function that makes the model");
  Known& all = known();
  const std::lock_guard lock(all.lock);
  const auto place = all.place(name);
  if (place != all.models.end() && place->name == name)
    fail("models::add: there already is a model '{}'", name);
  all.models.insert(place, {std::move(name), std::move(make)});
}

}  // namespace kiln::nn::models
