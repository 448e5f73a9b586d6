#include <kiln/io/torch_tree.h>

#include <algorithm>
#include <unordered_set>

#include <kiln/io/json.h>
#include <kiln/io/pickle_machine.h>
#include <kiln/tensor/fail.h>

namespace kiln::io {
namespace {

constexpr int kMaxModules = 1000;  // within each other
// A graph may refer to a node many times, which the tree repeats; only a hostile one does so without bound.
constexpr size_t kRepeats = 16, kLeast = 100'000, kMost = 20'000'000;

// Old names of globals, as they are now.
std::string modern(std::string name) {
  constexpr std::pair<std::string_view, std::string_view> kOld[] = {
      {"__builtin__.", "builtins."}, {"copy_reg.", "copyreg."}, {"torch.tensor.", "torch._tensor."}};
  for (const auto& [old, now] : kOld)
    if (name.starts_with(old)) return std::string(now) + name.substr(old.size());
  return name;
}

}  // namespace

TorchTree::TorchTree(const PickleGraph& graph, TorchStorages& storages, const ReadOptions& options,
                     std::string where, int nesting)
    : graph_(graph),
      storages_(storages),
      options_(options),
      where_(std::move(where)),
      nesting_(nesting),
      budget_(std::min(kMost, kLeast + kRepeats * graph.size())),
      open_(graph.size()),
      tensor_at_(graph.size()) {}

void TorchTree::bad_sentence(const std::string& sentence) const { fail("{}: {}", where_, sentence); }

void TorchTree::spend(size_t amount) {
  if (amount > budget_)
    bad_sentence("its values refer to each other so often that they would fill the memory");
  budget_ -= amount;
}

Value TorchTree::value(Id id) {
  spend(1);
  const Kind kind = graph_.kind(id);
  if (kind == Kind::persistent) return persistent(id);
  if (kind < Kind::tuple || kind == Kind::global) return atom(id);
  if (tensor_at_[id] != 0) return tensors_[tensor_at_[id] - 1];
  if (open_[id]) return Value::object("(a value that encloses this one)", {});
  if (depth_ == options_.limits.nesting)
    bad_sentence(fmt::format("values are nested deeper than {} levels (limits.nesting)", depth_));
  ++depth_;
  open_[id] = true;
  Value result = kind == Kind::object ? object(id) : container(id);
  open_[id] = false;
  --depth_;
  if (result.is_tensor()) {
    tensors_.push_back(result.as_tensor());
    tensor_at_[id] = uint32_t(tensors_.size());
  }
  return result;
}

Value TorchTree::atom(Id id) {
  switch (graph_.kind(id)) {
    case Kind::none:
      return {};
    case Kind::boolean:
      return graph_.integer(id) != 0;
    case Kind::integer:
      return graph_.integer(id);
    case Kind::real:
      return graph_.real(id);
    case Kind::global: {
      const std::string name = modern(graph_.global(id));
      if (name.starts_with("torch.") && torch_type_of_name(std::string_view(name).substr(6)) != nullptr)
        return name;
      return opaque(name, PickleGraph::kNothing);
    }
    default:
      break;
  }
  const std::string_view text = graph_.text(id);
  spend(text.size() / 64);
  if (graph_.kind(id) == Kind::big_integer)
    return Value::object("builtins.int", {{"little_endian", Value::Bytes{std::string(text)}}});
  const bool is_text =
      graph_.kind(id) == Kind::text || (graph_.kind(id) == Kind::byte_string && is_utf8_or_surrogates(text));
  return is_text ? Value(text) : Value(Value::Bytes{std::string(text)});
}

std::vector<Value> TorchTree::values(const Ids& ids) {
  std::vector<Value> result;
  spend(ids.size());
  result.reserve(ids.size());
  for (const Id id : ids) result.push_back(value(id));
  return result;
}

Value TorchTree::container(Id id) {
  if (graph_.kind(id) == Kind::dict) return dict(graph_.pairs(id));
  std::vector<Value> items = values(graph_.items(id));
  return graph_.kind(id) == Kind::tuple ? Value::tuple(std::move(items)) : Value::list(std::move(items));
}

// Strings and ints are kept; other keys of Python are spelled out.
Value::Key TorchTree::key(Id id) {
  const Kind kind = graph_.kind(id);
  if (kind == Kind::integer || kind == Kind::boolean) return graph_.integer(id);
  if (kind != Kind::big_integer && graph_.is_text(id)) return graph_.text(id);
  return to_string(value(id));
}

void TorchTree::add_entry(std::vector<Value::Entry>& entries, KeyIndex& known, Value::Key key, Value value) {
  const size_t place = known.find_or_add(entries, key);
  if (place == KeyIndex::kNew)
    entries.push_back({std::move(key), std::move(value)});
  else
    entries[place].value = std::move(value);
}

Value TorchTree::dict(const Ids& pairs) {
  std::vector<Value::Entry> entries;
  KeyIndex known;
  spend(pairs.size());
  entries.reserve(pairs.size() / 2);
  for (size_t i = 0; i + 1 < pairs.size(); i += 2)
    add_entry(entries, known, key(pairs[i]), value(pairs[i + 1]));
  return Value::dict(std::move(entries));
}

const std::string& TorchTree::class_of(Id id) {
  const auto [known, is_new] = classes_.try_emplace(id);
  if (is_new) known->second = find_class(id);
  return known->second;
}

std::string TorchTree::find_class(Id id) const {
  if (graph_.kind(id) == Kind::global) return modern(graph_.global(id));
  if (graph_.kind(id) == Kind::persistent) {
    const Id reference = graph_.persistent(id);
    if (graph_.kind(reference) == Kind::tuple && graph_.items(reference).size() >= 2) {
      for (const Id item : graph_.items(reference))
        if (graph_.kind(item) == Kind::global) return modern(graph_.global(item));
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

TorchTree::Ids TorchTree::pairs_of(Id id) const {
  if (graph_.kind(id) == Kind::dict) return graph_.pairs(id);
  if (graph_.kind(id) != Kind::object) return {};
  const PickleGraph::Object& object = graph_.object(id);
  Ids pairs;
  // Python 2 gives an OrderedDict one argument, a list of pairs; a defaultdict has its factory as argument.
  for (const Id argument : graph_.items(object.arguments)) {
    if (graph_.kind(argument) == Kind::dict)
      pairs.insert(pairs.end(), graph_.pairs(argument).begin(), graph_.pairs(argument).end());
    if (graph_.kind(argument) != Kind::list && graph_.kind(argument) != Kind::tuple) continue;
    for (const Id pair : graph_.items(argument)) {
      if ((graph_.kind(pair) != Kind::list && graph_.kind(pair) != Kind::tuple) ||
          graph_.items(pair).size() != 2)
        bad_sentence("an OrderedDict is made of something that is not a list of pairs");
      pairs.insert(pairs.end(), graph_.items(pair).begin(), graph_.items(pair).end());
    }
  }
  pairs.insert(pairs.end(), object.pairs.begin(), object.pairs.end());
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
Value TorchTree::module(Id id) {
  struct Visit {
    Id module;
    std::string prefix;
    int depth;
  };
  std::vector<Visit> visits = {{id, "", 0}};
  std::vector<Value::Entry> entries;
  KeyIndex known;
  while (!visits.empty()) {
    const Visit visit = std::move(visits.back());
    visits.pop_back();
    spend(1 + visit.prefix.size() / 16);
    if (visit.depth > kMaxModules) bad_sentence("a module contains itself");
    const Id state = graph_.object(visit.module).state;
    const auto each = [&](const char* list, auto&& f) {
      const Id all = attribute(state, list);
      if (all == PickleGraph::kNothing) return;
      const Ids pairs = pairs_of(all);
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
    each("_parameters",
         [&](std::string name, Id tensor) { add_entry(entries, known, std::move(name), value(tensor)); });
    each("_buffers", [&](std::string name, Id tensor) {
      if (!transient_names.contains(name)) add_entry(entries, known, std::move(name), value(tensor));
    });
    const size_t first = visits.size();
    each("_modules", [&](std::string name, Id child) {
      if (is_module(child))
        visits.push_back({child, std::move(name) + ".", visit.depth + 1});
      else
        add_entry(entries, known, std::move(name), value(child));
    });
    std::reverse(visits.begin() + std::ptrdiff_t(first), visits.end());
  }
  return Value::object(class_of(graph_.object(id).callable), std::move(entries));
}

Value TorchTree::opaque(const std::string& type, Id id) {
  if (options_.strict)
    bad_sentence(fmt::format("it needs the class or function {}, which strict loading refuses", type));
  if (id == PickleGraph::kNothing) return Value::object(type, {});
  const PickleGraph::Object& object = graph_.object(id);
  std::vector<Value::Entry> entries;
  KeyIndex known;
  const auto add_pairs = [&](const Ids& pairs) {
    for (size_t i = 0; i + 1 < pairs.size(); i += 2)
      add_entry(entries, known, key(pairs[i]), value(pairs[i + 1]));
  };
  if (!graph_.items(object.arguments).empty()) add_entry(entries, known, "_args", value(object.arguments));
  if (object.named_arguments != PickleGraph::kNothing)
    add_entry(entries, known, "_kwargs", value(object.named_arguments));
  add_pairs(object.pairs);
  if (!object.items.empty()) add_entry(entries, known, "_items", Value::list(values(object.items)));
  if (object.state != PickleGraph::kNothing) {
    const bool has_slots = graph_.kind(object.state) == Kind::tuple &&
                           graph_.items(object.state).size() == 2 &&
                           std::ranges::all_of(graph_.items(object.state), [&](Id part) {
                             return graph_.kind(part) == Kind::dict || graph_.kind(part) == Kind::none;
                           });
    if (has_slots) {
      for (const Id part : graph_.items(object.state))
        if (graph_.kind(part) == Kind::dict) add_pairs(graph_.pairs(part));
    } else if (graph_.kind(object.state) == Kind::dict) {
      add_pairs(graph_.pairs(object.state));
    } else {
      add_entry(entries, known, "_state", value(object.state));
    }
  }
  return Value::object(type, std::move(entries));
}

Value TorchTree::object(Id id) {
  const PickleGraph::Object& object = graph_.object(id);
  Value result;
  if (numpy(id, &result)) return result;
  const std::string* name = &class_of(object.callable);
  if (is_module(id) && !options_.strict) return module(id);
  const Ids& arguments = graph_.items(object.arguments);
  if ((*name == "copyreg._reconstructor" || *name == "copyreg.__newobj__") && !arguments.empty())
    name = &class_of(arguments[0]);
  if (known_class(*name, id, &result)) return result;
  return opaque(name->empty() ? "(a computed class)" : *name, id);
}

bool TorchTree::known_class(const std::string& name, Id id, Value* result) {
  const PickleGraph::Object& object = graph_.object(id);
  const Ids& arguments = graph_.items(object.arguments);
  if (rebuild(name, arguments, result)) return true;
  if (name == "collections.OrderedDict" || name == "collections.defaultdict" ||
      name == "collections.Counter" || name == "builtins.dict") {
    *result = dict(pairs_of(id));
    if (const Id metadata = attribute(object.state, "_metadata"); metadata != PickleGraph::kNothing)
      result->set_attributes({{"_metadata", value(metadata)}});
    return true;
  }
  if (name == "torch.nn.parameter.Parameter" || name == "torch.autograd.variable.Variable" ||
      name == "torch.nn.parameter.Buffer") {
    *result = first_tensor(arguments);
    if (result->is_none() && object.state != PickleGraph::kNothing &&
        graph_.kind(object.state) == Kind::tuple)
      *result = first_tensor(graph_.items(object.state));
    if (!result->is_none()) return true;
  }
  const bool is_old_tensor =
      name.starts_with("torch.") && name.ends_with("Tensor") && object.state != PickleGraph::kNothing &&
      graph_.kind(object.state) == Kind::tuple && graph_.items(object.state).size() == 4;
  if (is_old_tensor) {  // torch.FloatTensor of 0.1
    const Ids& state = graph_.items(object.state);
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
    *result = value(arguments[0]);
    if (name == "torch.Size" && result->is_list()) *result = Value::tuple(std::move(result->items()));
    return true;
  }
  if (is_sequence && arguments.empty()) {
    *result = Value::list(values(object.items));
    return true;
  }
  return false;
}

Value TorchTree::persistent(Id id) {
  const Id reference = graph_.persistent(id);
  if (graph_.kind(reference) == Kind::tuple && !graph_.items(reference).empty()) {
    const Id first = graph_.items(reference)[0];
    const bool is_storage = graph_.is_text(first) && graph_.text(first) == "storage";
    if (!is_storage && !class_of(id).empty()) return opaque(class_of(id), PickleGraph::kNothing);
  }
  if (Tensor whole = storages_.tensor(graph_, reference); whole.defined()) return whole;
  const TorchStorage found = storages_.storage(graph_, reference);
  const int64_t count = found.memory->bytes / size_of(found.type->dtype);
  return typed(*found.type, from_storage(found.memory, found.type->dtype, Layout::contiguous({count})));
}

}  // namespace kiln::io
