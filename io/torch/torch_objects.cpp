// Objects of a pickle: the classes that are known, modules, and all others.

#include <algorithm>

#include <kiln/io/torch/torch_tree.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
const std::string& TorchTree::class_of(Id id) {
  const auto [known, is_new] = classes_.try_emplace(id);
  if (is_new) known->second = find_class(id);
  return known->second;
}

std::string TorchTree::find_class(Id id) const {
  if (graph_.kind(id) == Kind::global) return modern_global(graph_.global(id));
  if (graph_.kind(id) == Kind::persistent) {
    const Id reference = graph_.persistent(id);
    if (graph_.kind(reference) == Kind::tuple && graph_.items(reference).size() >= 2) {
      for (const Id item : graph_.items(reference))
        if (graph_.kind(item) == Kind::global) return modern_global(graph_.global(item));
    }
  }
  return "";
}

PickleGraph::Id TorchTree::attribute(Id state, std::string_view name) const {
  if (state == PickleGraph::kNothing) return state;
  if (graph_.kind(state) == Kind::dict) return graph_.find(state, name);
  if (graph_.kind(state) == Kind::tuple)  // (dict, slots)
    for (const Id part : graph_.items(state))
      if (graph_.kind(part) == Kind::dict)
        if (const Id found = graph_.find(part, name); found != PickleGraph::kNothing) return found;
  return PickleGraph::kNothing;
}

std::vector<PickleGraph::Id> TorchTree::pairs_of(Id id) const {
  std::vector<Id> pairs;
  const auto add = [&](Ids more) { pairs.insert(pairs.end(), more.begin(), more.end()); };
  if (graph_.kind(id) == Kind::dict) add(graph_.pairs(id));
  if (graph_.kind(id) != Kind::object) return pairs;
  const PickleGraph::Object& object = graph_.object(id);
  // Python 2 gives an OrderedDict one argument, a list of pairs; a defaultdict has its factory as argument.
  for (const Id argument : graph_.items(object.arguments)) {
    if (graph_.kind(argument) == Kind::dict) add(graph_.pairs(argument));
    if (graph_.kind(argument) != Kind::list && graph_.kind(argument) != Kind::tuple) continue;
    for (const Id pair : graph_.items(argument)) {
      if ((graph_.kind(pair) != Kind::list && graph_.kind(pair) != Kind::tuple) ||
          graph_.items(pair).size() != 2)
        bad_sentence("an OrderedDict is made of something that is not a list of pairs");
      add(graph_.items(pair));
    }
  }
  add(object.pairs);
  return pairs;
}

bool TorchTree::is_module(Id id) {
  if (graph_.kind(id) != Kind::object) return false;
  const Id state = graph_.object(id).state;
  if (state == PickleGraph::kNothing) return false;
  const auto [known, is_new] = modules_.try_emplace(id);
  if (is_new) {
    known->second = attribute(state, "_parameters") != PickleGraph::kNothing &&
                    attribute(state, "_modules") != PickleGraph::kNothing;
  }
  return known->second;
}

// The state dict, as PyTorch makes it: parameters, persistent buffers, then the modules within.
TorchTree::Result TorchTree::module(Id id) {
  struct Visit {
    Id module;
    std::string prefix;
    int64_t depth;
  };
  std::vector<Visit> visits = {{id, "", 0}};
  Entries entries;
  while (!visits.empty()) {
    const Visit visit = std::move(visits.back());
    visits.pop_back();
    spend(1 + visit.prefix.size() / 16);
    if (visit.depth > options_.limits.nesting)
      bad_sentence(fmt::format(
          "a module contains itself, or modules are nested deeper than {} levels (limits.nesting)",
          options_.limits.nesting));
    const Id state = graph_.object(visit.module).state;
    const auto each = [&](const char* list, auto&& f) {
      const Id all = attribute(state, list);
      if (all == PickleGraph::kNothing) return;
      const std::vector<Id> pairs = pairs_of(all);
      spend(pairs.size());
      for (size_t i = 0; i + 1 < pairs.size(); i += 2)
        if (graph_.kind(pairs[i + 1]) != Kind::none) f(visit.prefix + to_string(key(pairs[i])), pairs[i + 1]);
    };
    Ids transient;
    if (const Id set = attribute(state, "_non_persistent_buffers_set"); set != PickleGraph::kNothing) {
      if (graph_.kind(set) == Kind::set || graph_.kind(set) == Kind::list) transient = graph_.items(set);
      if (graph_.kind(set) == Kind::object)  // protocol 2: set([...])
        for (const Id list : graph_.items(graph_.object(set).arguments))
          if (graph_.kind(list) == Kind::list) transient = graph_.items(list);
    }
    spend(transient.size());
    std::unordered_set<std::string> transient_names;
    for (const Id name : transient)
      if (graph_.is_text(name)) transient_names.insert(visit.prefix + std::string(graph_.text(name)));
    each("_parameters", [&](std::string name, Id tensor) { entries.add(std::move(name), tensor); });
    each("_buffers", [&](std::string name, Id tensor) {
      if (!transient_names.contains(name)) entries.add(std::move(name), tensor);
    });
    const size_t first = visits.size();
    each("_modules", [&](std::string name, Id child) {
      if (is_module(child))
        visits.push_back({child, std::move(name) + ".", visit.depth + 1});
      else
        entries.add(std::move(name), child);
    });
    std::reverse(visits.begin() + std::ptrdiff_t(first), visits.end());
  }
  return fill(Value::object(class_of(graph_.object(id).callable), std::move(entries.entries)),
              std::move(entries.children), id);
}

TorchTree::Result TorchTree::opaque(const std::string& type, Id id) {
  if (options_.strict)
    bad_sentence(fmt::format("it needs the class or function {}, which strict loading refuses", type));
  if (id == PickleGraph::kNothing) return Value::object(type, {});
  const PickleGraph::Object& object = graph_.object(id);
  Entries entries;
  if (!graph_.items(object.arguments).empty()) entries.add("_args", object.arguments);
  if (object.named_arguments != PickleGraph::kNothing) entries.add("_kwargs", object.named_arguments);
  add_pairs(object.pairs, entries);
  if (!object.items.empty()) entries.children.push_back({id, entries.place_of("_items"), true});
  if (object.state != PickleGraph::kNothing) {
    const bool has_slots = graph_.kind(object.state) == Kind::tuple &&
                           graph_.items(object.state).size() == 2 &&
                           std::ranges::all_of(graph_.items(object.state), [&](Id part) {
                             return graph_.kind(part) == Kind::dict || graph_.kind(part) == Kind::none;
                           });
    if (has_slots) {
      for (const Id part : graph_.items(object.state))
        if (graph_.kind(part) == Kind::dict) add_pairs(graph_.pairs(part), entries);
    } else if (graph_.kind(object.state) == Kind::dict) {
      add_pairs(graph_.pairs(object.state), entries);
    } else {
      entries.add("_state", object.state);
    }
  }
  return fill(Value::object(type, std::move(entries.entries)), std::move(entries.children), id);
}

TorchTree::Result TorchTree::object(Id id) {
  const PickleGraph::Object& object = graph_.object(id);
  Result result;
  if (numpy(id, &result)) return result;
  const std::string* name = &class_of(object.callable);
  if (is_module(id) && !options_.strict) return module(id);
  const Ids arguments = graph_.items(object.arguments);
  if ((*name == "copyreg._reconstructor" || *name == "copyreg.__newobj__") && !arguments.empty())
    name = &class_of(arguments[0]);
  if (known_class(*name, id, &result)) return result;
  return opaque(name->empty() ? "(a computed class)" : *name, id);
}

bool TorchTree::known_class(const std::string& name, Id id, Result* result) {
  const PickleGraph::Object& object = graph_.object(id);
  const Ids arguments = graph_.items(object.arguments);
  Value made;
  if (rebuild(name, arguments, &made)) {
    *result = std::move(made);
    return true;
  }
  if (name == "collections.OrderedDict" || name == "collections.defaultdict" ||
      name == "collections.Counter" || name == "builtins.dict") {
    *result = dict(pairs_of(id), id, attribute(object.state, "_metadata"));
    return true;
  }
  if (name == "torch.nn.parameter.Parameter" || name == "torch.autograd.variable.Variable" ||
      name == "torch.nn.parameter.Buffer") {
    made = first_tensor(arguments);
    if (made.is_none() && object.state != PickleGraph::kNothing && graph_.kind(object.state) == Kind::tuple)
      made = first_tensor(graph_.items(object.state));
    if (!made.is_none()) {
      *result = std::move(made);
      return true;
    }
  }
  const bool is_old_tensor =
      name.starts_with("torch.") && name.ends_with("Tensor") && object.state != PickleGraph::kNothing &&
      graph_.kind(object.state) == Kind::tuple && graph_.items(object.state).size() == 4;
  if (is_old_tensor) {  // torch.FloatTensor of 0.1
    const Ids state = graph_.items(object.state);
    const TorchStorage from = storage(state[0]);
    *result = typed(*from.type, tensor(from, *from.type, state[1], state[2], state[3]));
    return true;
  }
  if (name == "torch.device") {
    std::string text;
    for (const Id argument : arguments)
      text += (text.empty() ? "" : ":") +
              (graph_.is_text(argument) ? std::string(graph_.text(argument)) : to_string(value(argument)));
    *result = text;
    return true;
  }
  const bool is_sequence = name == "torch.Size" || name == "builtins.tuple" || name == "builtins.list" ||
                           name == "builtins.set" || name == "builtins.frozenset" ||
                           name.starts_with("torch.jit._pickle.build_") ||
                           name == "torch.jit._pickle.restore_type_tag";
  if (is_sequence && !arguments.empty() && graph_.kind(arguments[0]) >= Kind::tuple) {
    stack_.push_back({.id = id, .value = {}, .items = arguments.first(1), .children = {}});
    stack_.back().then = name == "torch.Size" ? Open::Then::unwrap_as_tuple : Open::Then::unwrap;
    result->reset();
    return true;
  }
  if (is_sequence && arguments.empty()) {
    *result = sequence(Kind::list, object.items, id);
    return true;
  }
  return false;
}

Value TorchTree::persistent(Id id) {
  const Id reference = graph_.persistent(id);
  if (graph_.kind(reference) == Kind::tuple && !graph_.items(reference).empty()) {
    const Id first = graph_.items(reference)[0];
    const bool is_storage = graph_.is_text(first) && graph_.text(first) == "storage";
    if (!is_storage && !class_of(id).empty()) return *opaque(class_of(id), PickleGraph::kNothing);
  }
  if (Tensor whole = storages_.tensor(graph_, reference); whole.defined()) return whole;
  const TorchStorage found = storages_.storage(graph_, reference);
  const int64_t count = found.memory->bytes / size_of(found.type->dtype);
  return typed(*found.type, from_storage(found.memory, found.type->dtype, Layout::contiguous({count})));
}

}  // namespace kiln::io
