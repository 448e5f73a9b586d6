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

TorchTree::Result TorchTree::opaque(const std::string& type, Id id) {
  if (options_.strict)
    bad_sentence(fmt::format("it needs the class or function {}, which strict loading refuses", type));
  if (id == PickleGraph::kNothing) return Value::object(type, {});
  const PickleGraph::Object& object = graph_.object(id);
  Fields fields;
  if (!graph_.items(object.arguments).empty()) fields.add("_args", object.arguments);
  if (object.named_arguments != PickleGraph::kNothing) fields.add("_kwargs", object.named_arguments);
  fields.begin_source();
  add_pairs(object.pairs, fields);
  fields.begin_source();
  if (!object.items.empty()) fields.children.push_back({id, fields.own.place_of("_items"), false, true});
  const bool is_no_dict = object.state != PickleGraph::kNothing && !has_dicts(object.state);
  if (is_no_dict) fields.add("_state", object.state);
  // Beside arguments and items, an attribute might be taken for one of them.
  if (!fields.own.entries.empty() && !is_no_dict) {
    add_attributes(object.state, fields);
  } else {
    for (const Id dict : dicts_of(object.state)) {
      fields.begin_source();
      add_pairs(graph_.pairs(dict), fields);
    }
  }
  return fill(Then::object, type, std::move(fields), id);
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
    *result = with_attributes(std::move(made), object.state, "");
    return true;
  }
  if (name == "collections.OrderedDict" || name == "collections.defaultdict" ||
      name == "collections.Counter" || name == "builtins.dict") {
    *result = known_dict(name, id);
    return true;
  }
  if (name == "torch.nn.parameter.Parameter" || name == "torch.autograd.variable.Variable" ||
      name == "torch.nn.parameter.Buffer") {
    const bool has_tuple = object.state != PickleGraph::kNothing && graph_.kind(object.state) == Kind::tuple;
    made = first_tensor(arguments);
    if (made.is_none() && has_tuple) made = first_tensor(graph_.items(object.state));
    if (!made.is_none()) {
      // Before 0.4: (requires_grad, volatile, hooks).
      const bool is_own = has_tuple && !has_dicts(object.state);
      *result = with_attributes(std::move(made), is_own ? PickleGraph::kNothing : object.state, "");
      return true;
    }
  }
  if (old_tensor(name, id, result)) return true;
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
  // What else it was given stays beside it only in an object.
  const bool is_only_that = object.pairs.empty() && object.named_arguments == PickleGraph::kNothing &&
                            dicts_of(object.state).empty() && !is_odd(object.state);
  if (!is_sequence || !is_only_that) return false;
  if (!arguments.empty() && (graph_.kind(arguments[0]) < Kind::tuple ||
                             (!object.items.empty() && graph_.kind(arguments[0]) > Kind::frozen_set)))
    return false;
  *result = known_sequence(name, id);
  return true;
}

// list([1]) to which 2 was appended: a list of both.
TorchTree::Result TorchTree::known_sequence(const std::string& name, Id id) {
  const PickleGraph::Object& object = graph_.object(id);
  const Ids arguments = graph_.items(object.arguments);
  if (arguments.empty()) return sequence(Kind::list, object.items, id);
  if (!object.items.empty()) {
    const Ids first = graph_.kind(arguments[0]) == Kind::dict ? Ids() : graph_.items(arguments[0]);
    std::vector<Id>& all = joined_.emplace_back(first.begin(), first.end());
    all.insert(all.end(), object.items.begin(), object.items.end());
    return sequence(Kind::list, all, id);
  }
  Open open = {.id = id,
               .then = name == "torch.Size" ? Then::unwrap_as_tuple : Then::unwrap,
               .items = arguments.first(1)};
  open.values.resize(1);
  stack_.push_back(std::move(open));
  return {};
}

// Beside its items: what a defaultdict makes new ones of, where that holds data, and what no dict is given.
TorchTree::Result TorchTree::known_dict(const std::string& name, Id id) {
  const PickleGraph::Object& object = graph_.object(id);
  const std::vector<Id> pairs = pairs_of(id);
  spend(pairs.size());
  Fields fields;
  add_pairs(pairs, fields);
  const Ids arguments = graph_.items(object.arguments);
  const auto is_known = [&](Id argument) {
    const Kind kind = graph_.kind(argument);
    return kind == Kind::none || kind == Kind::tuple || kind == Kind::list || kind == Kind::dict;
  };
  if (name == "collections.defaultdict" && !arguments.empty() && holds_data(arguments[0]))
    fields.add_attribute("default_factory", arguments[0]);
  else if (name != "collections.defaultdict" && !std::ranges::all_of(arguments, is_known))
    fields.add_attribute("_args", object.arguments);
  if (object.named_arguments != PickleGraph::kNothing)
    fields.add_attribute("_kwargs", object.named_arguments);
  if (!object.items.empty())
    fields.children.push_back({id, fields.attributes.place_of("_items"), true, true});
  add_attributes(object.state, fields);
  return fill(Then::dict, {}, std::move(fields), id);
}

// torch.FloatTensor of 0.1, whose state is what makes it.
bool TorchTree::old_tensor(const std::string& name, Id id, Result* result) {
  const Id given = graph_.object(id).state;
  const bool is_one = name.starts_with("torch.") && name.ends_with("Tensor") &&
                      given != PickleGraph::kNothing && graph_.kind(given) == Kind::tuple &&
                      graph_.items(given).size() == 4;
  if (!is_one) return false;
  const Ids state = graph_.items(given);
  const TorchStorage from = storage(state[0]);
  *result = typed(*from.type, tensor(from, *from.type, state[1], state[2], state[3]));
  return true;
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
