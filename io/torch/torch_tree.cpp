#include <kiln/io/torch/torch_tree.h>

#include <algorithm>

#include <kiln/io/bytes/json.h>
#include <kiln/io/pickle/pickle_machine.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

// Keys within keys, and values within what makes a tensor: PyTorch needs a few.
constexpr int kMaxRecursion = 100;
// A graph may refer to a node many times, which the tree repeats; only a hostile one does so without bound. A
// reference takes a byte at least: a list may name one string as often as it likes.
constexpr size_t kRepeats = 16, kLeast = 100'000;

}  // namespace

// Old names of globals, as they are now.
std::string modern_global(std::string name) {
  constexpr std::pair<std::string_view, std::string_view> kOld[] = {
      {"__builtin__.", "builtins."}, {"copy_reg.", "copyreg."}, {"torch.tensor.", "torch._tensor."}};
  for (const auto& [old, now] : kOld)
    if (name.starts_with(old)) return std::string(now) + name.substr(old.size());
  return name;
}

TorchTree::TorchTree(const PickleGraph& graph, TorchStorages& storages, const ReadOptions& options,
                     std::string where, int nesting)
    : graph_(graph),
      storages_(storages),
      options_(options),
      where_(std::move(where)),
      nesting_(nesting),
      budget_(std::min(kMostValues, kLeast + kRepeats * graph.consumed())),
      open_(graph.size()),
      tensor_at_(graph.size()) {}

void TorchTree::bad_sentence(const std::string& sentence) const { fail("{}: {}", where_, sentence); }

void TorchTree::spend(size_t amount) {
  if (amount > budget_)
    bad_sentence("its values refer to each other so often that they would fill the memory");
  budget_ -= amount;
}

Value TorchTree::value(Id id) {
  if (recursion_ == kMaxRecursion)
    bad_sentence(fmt::format("keys or tensors are made of values nested deeper than {} levels", recursion_));
  ++recursion_;
  const size_t bottom = stack_.size();
  Result result = begin(id);
  while (!result || stack_.size() > bottom) {
    if (result) {
      stack_.back().put(std::move(*result));
      result.reset();
    }
    Open& top = stack_.back();
    if (top.next < top.count()) {
      result = begin_next();
    } else {
      result = std::move(top.value);
      const Id made = top.id;
      stack_.pop_back();
      close(made, *result);
    }
  }
  --recursion_;
  return std::move(*result);
}

void TorchTree::Open::put(Value child) {
  const uint32_t place = children.empty() ? uint32_t(next) : children[next].place;
  ++next;
  if (then != Then::keep) {
    const bool is_tuple = then == Then::unwrap_as_tuple && child.is_list();
    value = is_tuple ? Value::tuple(std::move(child.items())) : std::move(child);
  } else if (place == kMetadata) {
    value.set_attributes({{"_metadata", std::move(child)}});
  } else if (children.empty()) {
    value.items()[place] = std::move(child);
  } else {
    value.entries()[place].value = std::move(child);
  }
}

TorchTree::Result TorchTree::begin_next() {
  const Open& top = stack_.back();
  if (top.children.empty()) return begin(top.items[top.next]);
  const Child& child = top.children[top.next];
  if (!child.is_appended) return begin(child.id);
  return sequence(Kind::list, graph_.object(child.id).items, PickleGraph::kNothing);
}

TorchTree::Result TorchTree::begin(Id id) {
  spend(1);
  const Kind kind = graph_.kind(id);
  if (kind == Kind::persistent) return persistent(id);
  if (kind < Kind::tuple || kind == Kind::global) return atom(id);
  if (tensor_at_[id] != 0) return tensors_[tensor_at_[id] - 1];
  if (open_[id]) return Value::object("(a value that encloses this one)", {});
  if (depth_ >= options_.limits.nesting)
    bad_sentence(fmt::format("values are nested deeper than {} levels (limits.nesting)", depth_));
  ++depth_;
  open_[id] = true;
  Result result = kind == Kind::object ? object(id) : container(id);
  if (result) close(id, *result);
  return result;
}

void TorchTree::close(Id id, const Value& value) {
  if (id == PickleGraph::kNothing) return;
  open_[id] = false;
  --depth_;
  if (!value.is_tensor()) return;
  tensors_.push_back(value.as_tensor());
  tensor_at_[id] = uint32_t(tensors_.size());
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
      const std::string name = modern_global(graph_.global(id));
      if (name.starts_with("torch.") && torch_type_of_name(std::string_view(name).substr(6)) != nullptr)
        return name;
      return *opaque(name, PickleGraph::kNothing);
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

TorchTree::Result TorchTree::container(Id id) {
  const Kind kind = graph_.kind(id);
  return kind == Kind::dict ? dict(graph_.pairs(id), id) : sequence(kind, graph_.items(id), id);
}

TorchTree::Result TorchTree::sequence(Kind kind, Ids items, Id id) {
  spend(items.size());
  std::vector<Value> values(items.size());
  Value result = kind == Kind::tuple ? Value::tuple(std::move(values)) : Value::list(std::move(values));
  if (items.empty()) return result;
  stack_.push_back({.id = id, .value = std::move(result), .items = items, .children = {}});
  return {};
}

TorchTree::Result TorchTree::fill(Value value, std::vector<Child> children, Id id) {
  if (children.empty()) return value;
  stack_.push_back({.id = id, .value = std::move(value), .items = {}, .children = std::move(children)});
  return {};
}

// Strings and ints are kept; other keys of Python are spelled out.
Value::Key TorchTree::key(Id id) {
  const Kind kind = graph_.kind(id);
  if (kind == Kind::integer || kind == Kind::boolean) return graph_.integer(id);
  if (kind != Kind::big_integer && graph_.is_text(id)) return graph_.text(id);
  return to_string(value(id));
}

uint32_t TorchTree::Entries::place_of(Value::Key key) {
  const size_t place = known.find_or_add(entries, key);
  if (place != KeyIndex::kNew) return uint32_t(place);
  entries.push_back({std::move(key), {}});
  return uint32_t(entries.size() - 1);
}

void TorchTree::add_pairs(Ids pairs, Entries& to) {
  for (size_t i = 0; i + 1 < pairs.size(); i += 2) to.add(key(pairs[i]), pairs[i + 1]);
}

TorchTree::Result TorchTree::dict(Ids pairs, Id id, Id metadata) {
  Entries entries;
  spend(pairs.size());
  entries.entries.reserve(pairs.size() / 2);
  entries.children.reserve(pairs.size() / 2);
  add_pairs(pairs, entries);
  if (metadata != PickleGraph::kNothing) entries.children.push_back({metadata, kMetadata});
  return fill(Value::dict_of_different(std::move(entries.entries)), std::move(entries.children), id);
}

}  // namespace kiln::io
