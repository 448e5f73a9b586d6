// What hangs on tensors, containers and objects beside their elements.

#include <algorithm>

#include <kiln/io/torch/torch_tree.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {

bool TorchTree::has_dicts(Id state) const {
  if (graph_.kind(state) == Kind::dict) return true;
  return graph_.kind(state) == Kind::tuple && graph_.items(state).size() == 2 &&
         std::ranges::all_of(graph_.items(state), [&](Id part) {
           return graph_.kind(part) == Kind::dict || graph_.kind(part) == Kind::none;
         });
}

std::vector<PickleGraph::Id> TorchTree::dicts_of(Id state) const {
  if (state == PickleGraph::kNothing || !has_dicts(state)) return {};
  if (graph_.kind(state) == Kind::dict) return {state};
  std::vector<Id> dicts;
  for (const Id part : graph_.items(state))
    if (graph_.kind(part) == Kind::dict) dicts.push_back(part);
  return dicts;
}

bool TorchTree::is_odd(Id state) const {
  return state != PickleGraph::kNothing && graph_.kind(state) != Kind::none && !has_dicts(state);
}

void TorchTree::add_attributes(Id state, Fields& to) {
  to.begin_source();
  if (is_odd(state)) to.add_attribute("_state", state);
  for (const Id dict : dicts_of(state)) {
    const Ids pairs = graph_.pairs(dict);
    spend(pairs.size());
    to.begin_source();
    for (size_t i = 0; i + 1 < pairs.size(); i += 2) to.add_attribute(key(pairs[i]), pairs[i + 1]);
  }
}

// The same as values behind those that are there; size_ counts all that are new.
std::vector<Value::Entry> TorchTree::read_attributes(Id state, const Value& before) {
  Keys keys;
  size_t size = 1;
  const auto add = [&](Value::Key name, Id id) {
    const uint32_t place = keys.place_of(std::move(name));
    keys.entries[place].value = value(id);
    size += size_;
  };
  if (before.is_dict() || before.is_object())
    for (const auto& [name, attribute] : before.entries())
      keys.entries[keys.place_of(name)].value = attribute;
  keys.begin_source();
  if (is_odd(state)) add("_state", state);
  for (const Id dict : dicts_of(state)) {
    const Ids pairs = graph_.pairs(dict);
    spend(pairs.size());
    keys.begin_source();
    for (size_t i = 0; i + 1 < pairs.size(); i += 2) add(key(pairs[i]), pairs[i + 1]);
  }
  size_ = size;
  return std::move(keys.entries);
}

// (class, dtype, size, stride, offset, layout, device, requires_grad): a tensor that is made of others, which
// are its attributes, as torchao's and DTensor are.
Value TorchTree::wrapper(Ids arguments, Id state) {
  constexpr const char* kName = "_rebuild_wrapper_subclass";
  need(arguments.size() >= 3 && state != PickleGraph::kNothing, kName);
  const Dims shape = dims(arguments[2], "size");
  Value made = Value::object(class_of(arguments[0]), read_attributes(state));
  made.set_attributes({{"dtype", std::string("torch.") + std::string(dtype(arguments[1]).name)},
                       {"shape", Value::tuple(std::vector<Value>(shape.begin(), shape.end()))}});
  return made;
}

// (function, class, arguments, state) of a function that only the class knows: what is in its state, beside
// which the arguments are kept.
Value TorchTree::subclass(const std::string& function, Ids arguments) {
  const std::string& type = class_of(arguments[1]);
  if (options_.strict)
    bad_sentence(fmt::format("it needs the class or function {}, which strict loading refuses", function));
  const Id state = arguments.size() > 3 ? arguments[3] : PickleGraph::kNothing;
  Value given = value(arguments[2]);
  const size_t size = size_;
  std::vector<Value::Entry> entries = read_attributes(state);
  size_ += size;
  Value beside = {{"_function", function}, {"_args", std::move(given)}};
  if (entries.empty()) return Value::object(type, std::move(beside).entries());
  // The least and greatest length of a nested tensor, as the shapes of tensors without elements.
  const auto cache =
      std::ranges::find_if(entries, [](const Value::Entry& entry) { return entry.key == "_metadata_cache"; });
  if (cache != entries.end()) {
    beside["_metadata_cache"] = std::move(cache->value);
    entries.erase(cache);
  }
  Value made = Value::object(type, std::move(entries));
  made.set_attributes({{"__dict__", std::move(beside)}});
  return made;
}

// What a tensor is given beside its elements; `type` is the name of its class where that is one of its own.
Value TorchTree::with_attributes(Value made, Id state, const std::string& type) {
  const bool is_plain = type.empty() && dicts_of(state).empty() && !is_odd(state);
  if (made.kind() < Value::Kind::tensor || is_plain) return made;
  const size_t own = size_;
  const Value before = made.attributes();
  std::vector<Value::Entry> entries = read_attributes(state, before);
  size_ += own;
  const std::string& name = type.empty() && before.is_object() ? before.type() : type;
  if (name.empty() && entries.empty()) return made;
  made.set_attributes(name.empty() ? Value::dict_of_different(std::move(entries))
                                   : Value::object(name, std::move(entries)));
  return made;
}

}  // namespace kiln::io
