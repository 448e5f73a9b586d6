#include <kiln/io/torch/torch_tree.h>

#include <algorithm>
#include <utility>

#include <kiln/io/pickle/pickle_numpy.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/utf8.h>

namespace kiln::io {
namespace {

// Keys within keys, and values within what makes a tensor: PyTorch needs a few.
constexpr int kMaxRecursion = 100;
// A graph may refer to a node many times, which the tree repeats; only a hostile one does so without bound. A
// reference takes a byte at least: a list may name one string as often as it likes.
constexpr size_t kRepeats = 16, kLeast = 100'000;

// An int of more than 64 bits, by the bytes that it needs.
Value big_integer(std::string_view bytes) {
  const auto sign_of = [](char c) { return uint8_t(c) >= 0x80 ? '\xFF' : '\0'; };
  while (bytes.size() > 1 && bytes.back() == sign_of(bytes[bytes.size() - 2])) bytes.remove_suffix(1);
  return Value::object("builtins.int", {{"little_endian", Value::Bytes{std::string(bytes)}}});
}

// Of a tensor without dimensions; complex numbers stay tensors.
Value number_of(const Value& scalar) {
  const Tensor& x = scalar.as_tensor();
  switch (x.dtype()) {
    case DType::complex64:
    case DType::complex128:
      return scalar;
    case DType::uint16:
      return *static_cast<const uint16_t*>(x.raw_data());
    case DType::uint32:
      return *static_cast<const uint32_t*>(x.raw_data());
    case DType::uint64:
      return Value::Key(*static_cast<const uint64_t*>(x.raw_data())).value();
    case DType::bool8:
      return x.item<bool>();
    default:
      return is_floating(x.dtype()) ? Value(x.item<double>()) : Value(x.item<int64_t>());
  }
}

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
      known_at_(graph.size()) {}

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
    Open& top = stack_.back();
    if (result) {
      top.size += size_;
      if (top.size > kMostValues)
        bad_sentence("its values refer to each other so often that nobody could walk through them");
      top.put(std::move(*result));
      result.reset();
    }
    if (top.next < top.count()) {
      result = begin_next();
    } else {
      size_ = top.size;
      result = top.take();
      const Id made = top.id;
      stack_.pop_back();
      close(made, *result);
    }
  }
  --recursion_;
  return std::move(*result);
}

void TorchTree::Open::put(Value child) {
  const size_t place = next++;
  if (fields.children.empty()) {
    values[place] = std::move(child);
    return;
  }
  const Child& to = fields.children[place];
  (to.is_attribute ? fields.attributes : fields.own).entries[to.place].value = std::move(child);
}

Value TorchTree::Open::take() {
  Value made;
  switch (then) {
    case Then::list:
      return Value::list(std::move(values));
    case Then::tuple:
      return Value::tuple(std::move(values));
    case Then::unwrap_as_tuple:
      if (values[0].is_list()) return Value::tuple(std::as_const(values[0]).items());
      return std::move(values[0]);
    case Then::unwrap:
      return std::move(values[0]);
    case Then::dict:
      made = Value::dict_of_different(std::move(fields.own.entries));
      break;
    case Then::object:
    case Then::module:
      made = Value::object(std::move(type), std::move(fields.own.entries));
      break;
  }
  if (fields.attributes.entries.empty()) return made;
  Value attributes = Value::dict_of_different(std::move(fields.attributes.entries));
  if (then == Then::module) attributes = {{"__dict__", std::move(attributes)}};
  made.set_attributes(std::move(attributes));
  return made;
}

TorchTree::Result TorchTree::begin_next() {
  const Open& top = stack_.back();
  if (top.fields.children.empty()) return begin(top.items[top.next]);
  const Child& child = top.fields.children[top.next];
  if (!child.is_appended) return begin(child.id);
  return sequence(Kind::list, graph_.object(child.id).items, PickleGraph::kNothing);
}

TorchTree::Result TorchTree::begin(Id id) {
  spend(1);
  size_ = 1;
  const Kind kind = graph_.kind(id);
  if (known_at_[id] != 0) {
    const Known& known = known_[known_at_[id] - 1];
    size_ = known.size;
    return known.value;
  }
  if (kind == Kind::persistent) return persistent(id);
  if (kind < Kind::tuple || kind == Kind::global) return atom(id);
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
  remember(id, value);
}

void TorchTree::remember(Id id, const Value& value) {
  known_.push_back({value, size_});
  known_at_[id] = uint32_t(known_.size());
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
  size_ += text.size() / 64;
  const bool is_text =
      graph_.kind(id) == Kind::text || (graph_.kind(id) == Kind::byte_string && is_utf8(text, true));
  Value made = graph_.kind(id) == Kind::big_integer ? big_integer(text)
               : is_text                            ? Value(text)
                                                    : Value(Value::Bytes{std::string(text)});
  if (size_ > 1) remember(id, made);
  return made;
}

TorchTree::Result TorchTree::container(Id id) {
  const Kind kind = graph_.kind(id);
  return kind == Kind::dict ? dict(graph_.pairs(id), id) : sequence(kind, graph_.items(id), id);
}

TorchTree::Result TorchTree::sequence(Kind kind, Ids items, Id id) {
  spend(items.size());
  if (items.empty()) return kind == Kind::tuple ? Value::tuple() : Value::list();
  Open open = {.id = id, .then = kind == Kind::tuple ? Then::tuple : Then::list, .items = items};
  open.values.resize(items.size());
  stack_.push_back(std::move(open));
  return {};
}

TorchTree::Result TorchTree::fill(Then then, std::string type, Fields fields, Id id) {
  Open open = {.id = id, .then = then, .type = std::move(type), .fields = std::move(fields)};
  if (open.count() == 0) return open.take();
  stack_.push_back(std::move(open));
  return {};
}

// A number of numpy is that number, as a dict holds it. Classes of PyTorch that otherwise become strings do
// not as keys: they would be taken for the string.
Value::Key TorchTree::key(Id id) {
  const Kind kind = graph_.kind(id);
  if (kind == Kind::integer) return graph_.integer(id);
  if (kind == Kind::text) return graph_.text(id);
  Value made = value(id);
  // Who looks for a tuple walks through it each time, but it takes no memory of its own; others are compared
  // as the ones that they are.
  const size_t walk = made.is_list() || made.is_tuple() ? size_ : 1;
  if (walk > key_budget_)
    bad_sentence("its keys refer to each other so often that nobody could compare them");
  key_budget_ -= walk;
  if (kind == Kind::object && is_numpy_scalar(graph_, id)) return Value::Key(number_of(made));
  if (made.is_string() && kind != Kind::byte_string) {
    Value& named = named_keys_[id];
    if (named.is_none())
      named = Value::object(kind == Kind::object ? class_of(graph_.object(id).callable) : "torch.dtype",
                            {{"_args", Value::tuple({made})}});
    made = named;
  }
  return Value::Key(std::move(made));
}

uint32_t TorchTree::Keys::place_of(Value::Key key) {
  const size_t place = known_.find_or_add(entries, key);
  if (place == KeyIndex::kNew) {
    entries.push_back({std::move(key), {}});
    return uint32_t(entries.size() - 1);
  }
  const bool is_others = place < begin_ || (renamed_ && renamed_->places.contains(place));
  return is_others ? place_of_another(key) : uint32_t(place);
}

uint32_t TorchTree::Keys::place_of_another(const Value::Key& key) {
  const std::string name = to_string(key);
  if (!renamed_) renamed_ = std::make_unique<AllRenamed>();
  Renamed& last = renamed_->last[name];
  if (last.number > 1 && last.place >= begin_) return uint32_t(last.place);
  for (size_t place = 0; place != KeyIndex::kNew;) {
    const Value::Key another = fmt::format("{}#{}", name, ++last.number);
    place = known_.find_or_add(entries, another);
    if (place == KeyIndex::kNew) entries.push_back({another, {}});
  }
  last.place = entries.size() - 1;
  renamed_->places.insert(last.place);
  return uint32_t(last.place);
}

void TorchTree::add_pairs(Ids pairs, Fields& to) {
  for (size_t i = 0; i + 1 < pairs.size(); i += 2) to.add(key(pairs[i]), pairs[i + 1]);
}

TorchTree::Result TorchTree::dict(Ids pairs, Id id) {
  Fields fields;
  spend(pairs.size());
  fields.own.entries.reserve(pairs.size() / 2);
  fields.children.reserve(pairs.size() / 2);
  add_pairs(pairs, fields);
  return fill(Then::dict, {}, std::move(fields), id);
}

}  // namespace kiln::io
