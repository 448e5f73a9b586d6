#include <kiln/models/surgery.h>

#include <algorithm>

#include <kiln/models/registry.h>
#include <kiln/nn/names.h>
#include <kiln/nn/nn.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn::models {

namespace {

// A child by its path, as something that can be replaced; null when it is not.
struct FindReplaceable final : MemberVisitor {
  std::string_view path;
  AnyModule* found = nullptr;

  explicit FindReplaceable(std::string_view wanted) : path(wanted) {}
  void module(std::string_view name, Module& module) override { enter(name, module); }
  void any_module(std::string_view name, AnyModule& module) override {
    if (module.empty()) return;
    if (name == path)
      found = &module;
    else
      enter(name, module.module());
  }

 private:
  void enter(std::string_view name, Module& module) {
    if (found != nullptr || !path.starts_with(name) || path.size() <= name.size() || path[name.size()] != '.')
      return;
    FindReplaceable below(path.substr(name.size() + 1));
    module.visit_members(below);
    found = below.found;
  }
};

AnyModule* find_replaceable(Module& net, std::string_view path) {
  FindReplaceable visitor(path);
  net.visit_members(visitor);
  return visitor.found;
}

bool gives_scores(Module& module) {
  return dynamic_cast<Linear*>(&module) != nullptr || dynamic_cast<Conv2d*>(&module) != nullptr;
}

// The layer at `head`, or the last one that computes scores in what stands there now; null: none.
Module* scoring_layer(Module& net, const std::string& head, std::string* path) {
  Module* last = nullptr;
  for (auto& [name, module] : net.named_modules()) {
    if (name != head && !name.starts_with(head + ".")) continue;
    if (!gives_scores(module)) continue;
    last = &module;
    *path = name;
  }
  return last;
}

void replace(Linear& layer, int64_t outputs) {
  Linear fresh(layer.in_features(), outputs, {.bias = layer.bias.defined()});
  fresh.to(layer.weight.device(), layer.weight.dtype());
  layer = fresh;
}

void replace(Conv2d& layer, int64_t outputs) {
  const Conv2dLayerOptions& options = layer.options();
  if (options.groups != 1)
    fail("replace_head: the last convolution has {} groups; replace it yourself", options.groups);
  Conv2d fresh(layer.in_channels(), outputs, layer.kernel_size(), options);
  fresh.to(layer.weight.device(), layer.weight.dtype());
  layer = fresh;
}

std::string replace_heads(Module& net, const std::vector<std::string>& heads, int64_t num_classes) {
  if (num_classes < 1) fail("replace_head: needs at least one class, got {}", num_classes);
  std::string result;
  for (size_t i = 0; i < heads.size(); ++i) {
    std::string path;
    Module* layer = scoring_layer(net, heads[i], &path);
    if (layer == nullptr && i == 0)
      fail("replace_head: '{}' of {} holds no Linear and no Conv2d; assign a new layer yourself", heads[0],
           net.type_name());
    // A head in the middle may have been left out.
    if (layer == nullptr) continue;
    if (auto* linear = dynamic_cast<Linear*>(layer))
      replace(*linear, num_classes);
    else
      replace(dynamic_cast<Conv2d&>(*layer), num_classes);
    if (i == 0) result = path;
  }
  return result;
}

std::vector<std::string> heads_of(const Module& net) {
  const auto family = family_of(net);
  if (!family)
    fail("replace_head: {} is none of the networks of models::names(); assign its last layer yourself",
         net.type_name());
  return family->heads;
}

}  // namespace

std::string head_name(std::string_view model) {
  const std::vector<std::string>& heads = registered(model).family->heads;
  if (heads.empty()) fail("head_name: nobody said where {} has its last layer (models::add)", model);
  return heads[0];
}

std::string replace_head(Module& net, int64_t num_classes) {
  return replace_heads(net, heads_of(net), num_classes);
}

std::string replace_head(Model& net, int64_t num_classes) {
  std::vector<std::string> heads;
  if (!net.card.architecture.empty()) heads = registered(net.card.architecture).family->heads;
  if (heads.empty()) heads = heads_of(net);
  std::string path = replace_heads(net, heads, num_classes);
  net.card.options.num_classes = num_classes;
  net.card.class_names.clear();
  return path;
}

AnyModule without_head(const AnyModule& net) {
  AnyModule copy = net;
  const std::vector<std::string> heads = heads_of(copy);
  AnyModule* head = find_replaceable(copy, heads[0]);
  if (head == nullptr)
    fail("without_head: '{}' of {} cannot be taken out, it is no Replaceable", heads[0], copy.type_name());
  *head = Identity();
  return copy;
}

namespace detail {

FeatureRun::FeatureRun(Module& net, const std::vector<std::string>& layers)
    : layers_(layers), outputs_(layers.size()) {
  std::vector<std::string> names;
  std::vector<Module*> found(layers.size());
  for (auto& [name, module] : net.named_modules()) {
    names.push_back(name);
    for (size_t i = 0; i < layers.size(); ++i)
      if (layers[i] == name) found[i] = &module;
  }
  for (size_t i = 0; i < layers.size(); ++i)
    if (found[i] == nullptr) {
      const std::string close = closest_name(layers[i], names);
      fail("features: there is no layer '{}' in {}{}", layers[i], net.type_name(),
           close.empty() ? "" : fmt::format(", did you mean '{}'?", close));
    }
  for (size_t i = 0; i < layers.size(); ++i) {
    Tensor* output = &outputs_[i];
    // A copy: what comes behind may write over the output, as a ReLU in place does.
    const int64_t hook = found[i]->register_forward_hook([output](Module&, const Tensors&, Tensors& results) {
      *output = results.size() == 1 ? results[0].clone() : Tensor();
    });
    watched_.push_back({found[i], hook});
  }
}

FeatureRun::~FeatureRun() {
  for (const Watched& watched : watched_) watched.module->remove_hook(watched.hook);
}

StateDict FeatureRun::finish() {
  StateDict result;
  for (size_t i = 0; i < layers_.size(); ++i) {
    if (!outputs_[i].defined())
      fail("features: '{}' did not run, or gave something else than one tensor", layers_[i]);
    result[layers_[i]] = outputs_[i];
  }
  return result;
}

}  // namespace detail
}  // namespace kiln::nn::models
