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
  add_pairs(object.pairs, fields);
  if (!object.items.empty()) fields.children.push_back({id, fields.own.place_of("_items"), false, true});
  if (object.state != PickleGraph::kNothing && !has_dicts(object.state)) fields.add("_state", object.state);
  // Beside arguments and items, an attribute might be taken for one of them.
  if (fields.own.entries.empty())
    for (const Id dict : dicts_of(object.state)) add_pairs(graph_.pairs(dict), fields);
  else
    add_attributes(object.state, fields);
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
    *result = dict(pairs_of(id), id, object.state);
    return true;
  }
  if (name == "torch.nn.parameter.Parameter" || name == "torch.autograd.variable.Variable" ||
      name == "torch.nn.parameter.Buffer") {
    made = first_tensor(arguments);
    if (made.is_none() && object.state != PickleGraph::kNothing && graph_.kind(object.state) == Kind::tuple)
      made = first_tensor(graph_.items(object.state));
    if (!made.is_none()) {
      *result = with_attributes(std::move(made), object.state, "");
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
    Open open = {.id = id,
                 .then = name == "torch.Size" ? Then::unwrap_as_tuple : Then::unwrap,
                 .items = arguments.first(1)};
    open.values.resize(1);
    stack_.push_back(std::move(open));
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
