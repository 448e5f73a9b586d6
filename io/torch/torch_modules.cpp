// Whole modules (torch.save(model)): their state dict, and what else hangs on them.

#include <algorithm>

#include <kiln/io/pickle/pickle_numpy.h>
#include <kiln/io/torch/torch_tree.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/seeded_hash.h>

namespace kiln::io {
namespace {

// What every module has beside its state dict, and what only refers to it.
constexpr std::string_view kOwnAttributes[] = {
    "_parameters",
    "_buffers",
    "_modules",
    "_non_persistent_buffers_set",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
};

}  // namespace

// What BUILD gave it; of torch.fx, what the function is given that makes it.
PickleGraph::Id TorchTree::module_state(Id id) const {
  const PickleGraph::Object& object = graph_.object(id);
  const Ids arguments = graph_.items(object.arguments);
  const bool is_graph = object.state == PickleGraph::kNothing && !arguments.empty() &&
                        graph_.kind(object.callable) == Kind::global &&
                        graph_.is_global(object.callable, "torch.fx.graph_module", "reduce_graph_module");
  return is_graph && graph_.kind(arguments[0]) == Kind::dict ? arguments[0] : object.state;
}

bool TorchTree::is_module(Id id) {
  if (graph_.kind(id) != Kind::object) return false;
  const Id state = module_state(id);
  if (state == PickleGraph::kNothing) return false;
  const auto [known, is_new] = modules_.try_emplace(id);
  if (is_new) {
    known->second = attribute(state, "_parameters") != PickleGraph::kNothing &&
                    attribute(state, "_modules") != PickleGraph::kNothing;
  }
  return known->second;
}

std::vector<PickleGraph::Id> TorchTree::members(Id module, const char* list) {
  const Id all = attribute(module_state(module), list);
  if (all == PickleGraph::kNothing) return {};
  std::vector<Id> pairs = pairs_of(all);
  spend(pairs.size());
  return pairs;
}

// The names of buffers that are not in the state dict.
std::unordered_set<std::string, TextHash> TorchTree::transient_buffers(Id module) {
  std::unordered_set<std::string, TextHash> names;
  const Id set = attribute(module_state(module), "_non_persistent_buffers_set");
  if (set == PickleGraph::kNothing) return names;
  Ids found;
  if (graph_.kind(set) == Kind::set || graph_.kind(set) == Kind::list) found = graph_.items(set);
  if (graph_.kind(set) == Kind::object)  // protocol 2: set([...])
    for (const Id list : graph_.items(graph_.object(set).arguments))
      if (graph_.kind(list) == Kind::list) found = graph_.items(list);
  spend(found.size());
  for (const Id name : found)
    if (graph_.is_text(name)) names.emplace(graph_.text(name));
  return names;
}

// Parameters and buffers as PyTorch orders them. What else has data is kept beside the state dict: buffers
// that are not part of it, tensors that are plain attributes.
void TorchTree::add_members(Id module, const std::string& prefix, Fields& to) {
  const std::unordered_set<std::string, TextHash> transient = transient_buffers(module);
  const auto add = [&](const std::vector<Id>& pairs, bool are_buffers) {
    to.begin_source();
    for (size_t i = 0; i + 1 < pairs.size(); i += 2) {
      if (graph_.kind(pairs[i + 1]) == Kind::none) continue;
      const std::string name = to_string(key(pairs[i]));
      if (are_buffers && transient.contains(name))
        to.add_attribute(prefix + name, pairs[i + 1]);
      else
        to.add(prefix + name, pairs[i + 1]);
    }
  };
  add(members(module, "_parameters"), false);
  add(members(module, "_buffers"), true);
  const Id state = module_state(module);
  std::vector<Id> dicts = dicts_of(state);
  if (is_odd(state) && graph_.kind(state) == Kind::tuple) {  // of a __getstate__ of its own
    to.begin_source();
    const Ids parts = graph_.items(state);
    spend(parts.size());
    for (size_t i = 0; i < parts.size(); ++i) {
      if (graph_.kind(parts[i]) == Kind::dict &&
          graph_.find(parts[i], "_parameters") != PickleGraph::kNothing)
        dicts.push_back(parts[i]);
      else if (holds_data(parts[i]))
        to.add_attribute(fmt::format("{}_state.{}", prefix, i), parts[i]);
    }
  }
  for (const Id dict : dicts) {
    const Ids pairs = graph_.pairs(dict);
    spend(pairs.size());
    to.begin_source();
    for (size_t i = 0; i + 1 < pairs.size(); i += 2) {
      const bool is_own =
          graph_.is_text(pairs[i]) &&
          std::ranges::find(kOwnAttributes, graph_.text(pairs[i])) != std::end(kOwnAttributes);
      if (!is_own && holds_data(pairs[i + 1]))
        to.add_attribute(prefix + to_string(key(pairs[i])), pairs[i + 1]);
    }
  }
}

TorchTree::Result TorchTree::module(Id id) {
  struct Visit {
    Id module;
    std::string prefix;
    int64_t depth;
  };
  std::vector<Visit> visits = {{id, "", 0}};
  Fields fields;
  while (!visits.empty()) {
    const Visit visit = std::move(visits.back());
    visits.pop_back();
    spend(1 + visit.prefix.size() / 16);
    if (visit.depth > options_.limits.nesting)
      bad_sentence(fmt::format(
          "a module contains itself, or modules are nested deeper than {} levels (limits.nesting)",
          options_.limits.nesting));
    add_members(visit.module, visit.prefix, fields);
    const std::vector<Id> children = members(visit.module, "_modules");
    const size_t first = visits.size();
    fields.begin_source();
    for (size_t i = 0; i + 1 < children.size(); i += 2) {
      if (graph_.kind(children[i + 1]) == Kind::none) continue;
      std::string name = visit.prefix + to_string(key(children[i]));
      if (is_module(children[i + 1]))
        visits.push_back({children[i + 1], std::move(name) + ".", visit.depth + 1});
      else
        fields.add(std::move(name), children[i + 1]);
    }
    std::reverse(visits.begin() + std::ptrdiff_t(first), visits.end());
  }
  std::string type = class_of(graph_.object(id).callable);
  if (type == "torch.fx.graph_module.reduce_graph_module") type = "torch.fx.graph_module.GraphModule";
  return fill(Then::module, std::move(type), std::move(fields), id);
}

// One within the pickle.
bool TorchTree::is_storage(Id id) const {
  if (graph_.kind(id) != Kind::object) return false;
  const Id made_by = graph_.object(id).callable;
  return graph_.kind(made_by) == Kind::global &&
         (graph_.is_global(made_by, "torch.storage", "_load_from_bytes") ||
          (graph_.global_module(made_by).starts_with("torch") &&
           graph_.global_name(made_by).ends_with("Storage")));
}

// From the data backwards to all that refer to it, once for the whole graph.
bool TorchTree::holds_data(Id id) {
  if (!holds_data_.empty()) return holds_data_[id];
  const size_t count = graph_.size();
  std::vector<size_t> begins(count + 1);
  for (Id from = 0; from < count; ++from) graph_.each_reference(from, [&](Id to) { ++begins[to + 1]; });
  for (size_t i = 0; i < count; ++i) begins[i + 1] += begins[i];
  std::vector<Id> referring(begins[count]);
  std::vector<size_t> next(begins.begin(), begins.end() - 1);
  for (Id from = 0; from < count; ++from)
    graph_.each_reference(from, [&](Id to) { referring[next[to]++] = from; });
  holds_data_.resize(count);
  std::vector<Id> pending;
  const auto mark = [&](Id node) {
    if (!holds_data_[node]) pending.push_back(node);
    holds_data_[node] = true;
  };
  for (Id node = 0; node < count; ++node)
    if (graph_.kind(node) == Kind::persistent || is_numpy_array(graph_, node) || is_storage(node)) mark(node);
  while (!pending.empty()) {
    const Id node = pending.back();
    pending.pop_back();
    for (size_t i = begins[node]; i < begins[node + 1]; ++i) mark(referring[i]);
  }
  return holds_data_[id];
}

}  // namespace kiln::io
