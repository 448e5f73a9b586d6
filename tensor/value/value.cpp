#include <kiln/tensor/value/value.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/key_index.h>
#include <kiln/tensor/value/state_dict.h>
#include <kiln/tensor/value/surgery.h>

namespace kiln {

using Entries = std::vector<Value::Entry>;

// Of a dict, whose type is empty, or an object.
struct Value::Fields {
  std::string type;
  Entries entries;
  Value attributes;
};

Value::Value(std::string_view text) : Value(std::string(text)) {}
Value::Value(std::string text) : kind_(Kind::string) { payload_.text = new std::string(std::move(text)); }
Value::Value(Bytes bytes) : kind_(Kind::bytes) { payload_.text = new std::string(std::move(bytes.data)); }

Value::Value(Tensor tensor) {
  if (!tensor.defined()) return;
  payload_.tensor = new Tensor(std::move(tensor));
  kind_ = Kind::tensor;
}

Value::Value(const StateDict& state) : kind_(Kind::dict) {
  payload_.fields = new Fields;
  payload_.fields->entries.reserve(state.size());
  for (const auto& [name, tensor] : state) payload_.fields->entries.push_back({name, tensor});
}

Value::Value(std::initializer_list<Entry> entries) : Value(dict(Entries(entries))) {}

Value Value::list(std::vector<Value> items) {
  Value result;
  result.payload_.items = new std::vector<Value>(std::move(items));
  result.kind_ = Kind::list;
  return result;
}

Value Value::tuple(std::vector<Value> items) {
  Value result = list(std::move(items));
  result.kind_ = Kind::tuple;
  return result;
}

Value Value::dict() { return dict(std::vector<Entry>()); }

Value Value::dict(std::vector<Entry> entries) {
  KeyIndex index;
  for (const Entry& entry : entries)
    if (index.find_or_add(entries, entry.key) != KeyIndex::kNew)
      fail("value: the key '{}' is given twice", to_string(entry.key));
  return dict_of_different(std::move(entries));
}

Value Value::dict_of_different(Entries entries) {
  Value result;
  result.payload_.fields = new Fields{{}, std::move(entries), {}};
  result.kind_ = Kind::dict;
  return result;
}

Value Value::object(std::string type, std::vector<Entry> entries) {
  Value result = dict(std::move(entries));
  result.payload_.fields->type = std::move(type);
  result.kind_ = Kind::object;
  return result;
}

int64_t Value::checked(bool negative, uint64_t bits) {
  if (!negative && bits > uint64_t(INT64_MAX)) fail("value: {} does not fit into an int of 64 bits", bits);
  return int64_t(bits);
}

// Children of a container are there, but none.
void Value::copy_without_children(const Value& other) {
  switch (other.kind_) {
    case Kind::string:
    case Kind::bytes:
      payload_.text = new std::string(*other.payload_.text);
      break;
    case Kind::tensor:
      payload_.tensor = new Tensor(*other.payload_.tensor);
      break;
    case Kind::list:
    case Kind::tuple:
      payload_.items = new std::vector<Value>(other.payload_.items->size());
      break;
    case Kind::dict:
    case Kind::object:
      payload_.fields = new Fields{other.payload_.fields->type, {}, {}};
      payload_.fields->entries.reserve(other.size());
      for (const Entry& entry : other.entries()) payload_.fields->entries.push_back({entry.key, {}});
      break;
    default:
      payload_ = other.payload_;
  }
  kind_ = other.kind_;
}

// No recursion here and below: a tree may be deeper than the stack.
Value::Value(const Value& other) {
  copy_without_children(other);
  if (!is_container()) return;
  std::vector<std::pair<const Value*, Value*>> pending = {{&other, this}};
  const auto copy = [&](const Value& from, Value& to) {
    to.copy_without_children(from);
    if (to.is_container()) pending.emplace_back(&from, &to);
  };
  while (!pending.empty()) {
    const auto [from, to] = pending.back();
    pending.pop_back();
    if (from->kind_ < Kind::dict) {
      for (size_t i = 0; i < from->size(); ++i) copy((*from->payload_.items)[i], (*to->payload_.items)[i]);
      continue;
    }
    for (size_t i = 0; i < from->size(); ++i)
      copy(from->payload_.fields->entries[i].value, to->payload_.fields->entries[i].value);
    copy(from->payload_.fields->attributes, to->payload_.fields->attributes);
  }
}

Value::Value(Value&& other) noexcept
    : payload_(other.payload_), kind_(std::exchange(other.kind_, Kind::none)) {}

Value& Value::operator=(Value other) noexcept {
  std::swap(payload_, other.payload_);
  std::swap(kind_, other.kind_);
  return *this;
}

// Frees what is flat and hands the containers on, so that a deep tree costs no stack.
void Value::drop_children(std::vector<Value>& pending) {
  const auto keep = [&](Value& child) {
    if (child.is_container()) pending.push_back(std::move(child));
  };
  if (kind_ >= Kind::dict) {
    for (Entry& entry : payload_.fields->entries) keep(entry.value);
    keep(payload_.fields->attributes);
    delete payload_.fields;
  } else {
    for (Value& item : *payload_.items) keep(item);
    delete payload_.items;
  }
  kind_ = Kind::none;
}

Value::~Value() {
  if (kind_ == Kind::string || kind_ == Kind::bytes) {
    delete payload_.text;
  } else if (kind_ == Kind::tensor) {
    delete payload_.tensor;
  } else if (is_container()) {
    std::vector<Value> pending;
    drop_children(pending);
    while (!pending.empty()) {
      Value next = std::move(pending.back());
      pending.pop_back();
      next.drop_children(pending);
    }
  }
}

void Value::expect(Kind kind) const {
  if (kind_ != kind) fail("value: {} was asked for, this is {}", name_of(kind), to_string(*this));
}

bool Value::as_bool() const { return expect(Kind::boolean), payload_.boolean; }
int64_t Value::as_int() const { return expect(Kind::integer), payload_.integer; }
double Value::as_float() const {
  if (kind_ == Kind::integer) return double(payload_.integer);
  return expect(Kind::real), payload_.real;
}
const std::string& Value::as_string() const& { return expect(Kind::string), *payload_.text; }
const std::string& Value::as_bytes() const& { return expect(Kind::bytes), *payload_.text; }
const Tensor& Value::as_tensor() const& { return expect(Kind::tensor), *payload_.tensor; }
const std::string& Value::type() const& { return expect(Kind::object), payload_.fields->type; }

StateDict Value::as_state_dict() const {
  std::vector<StateDict::Entry> tensors;
  tensors.reserve(entries().size());
  for (const auto& [key, value] : entries()) {
    if (key.is_int())
      fail("value: a state dict has names as keys, this one has the int {}{}", key.number(),
           where_weights_are(*this));
    if (!value.is_tensor()) {
      const bool is_short = value.kind() < Kind::list;
      fail("value: a state dict holds tensors, '{}' is {}{}", key.text(),
           is_short ? to_string(value) : fmt::format("{} of {}", name_of(value.kind()), value.size()),
           where_weights_are(*this));
    }
    tensors.push_back({key.text(), value.as_tensor()});
  }
  return StateDict(std::move(tensors));
}

const std::vector<Value>& Value::items() const& {
  if (kind_ != Kind::tuple) expect(Kind::list);
  return *payload_.items;
}
std::vector<Value>& Value::items() & { return const_cast<std::vector<Value>&>(std::as_const(*this).items()); }
const Entries& Value::entries() const& {
  if (kind_ != Kind::object) expect(Kind::dict);
  return payload_.fields->entries;
}

Entries& Value::entries() & { return const_cast<Entries&>(std::as_const(*this).entries()); }

std::vector<const Tensor*> Value::tensors() const& {
  std::vector<const Tensor*> found;
  std::vector<const Value*> pending = {this};
  while (!pending.empty()) {
    const Value& next = *pending.back();
    pending.pop_back();
    const size_t first = pending.size();
    if (next.is_tensor()) found.push_back(next.payload_.tensor);
    if (next.is_list() || next.is_tuple())
      for (const Value& item : next.items()) pending.push_back(&item);
    if (next.kind_ >= Kind::dict)
      for (const Entry& entry : next.entries()) pending.push_back(&entry.value);
    std::reverse(pending.begin() + std::ptrdiff_t(first), pending.end());
  }
  return found;
}
std::vector<Tensor*> Value::tensors() & {
  std::vector<Tensor*> found;
  for (const Tensor* tensor : std::as_const(*this).tensors()) found.push_back(const_cast<Tensor*>(tensor));
  return found;
}

const Value& Value::attributes() const& {
  if (kind_ != Kind::object) expect(Kind::dict);
  return payload_.fields->attributes;
}
void Value::set_attributes(Value attributes) {
  if (kind_ != Kind::object) expect(Kind::dict);
  if (!attributes.is_none()) attributes.expect(Kind::dict);
  payload_.fields->attributes = std::move(attributes);
}

size_t Value::size() const { return kind_ >= Kind::dict ? entries().size() : items().size(); }

const Value* Value::child(const Key& key) const {
  if (kind_ >= Kind::dict) {
    for (const Entry& entry : entries())
      if (entry.key == key) return &entry.value;
  } else if (kind_ == Kind::list || kind_ == Kind::tuple) {
    if (key.is_int() && key.number() >= 0 && size_t(key.number()) < payload_.items->size())
      return &(*payload_.items)[size_t(key.number())];
  }
  return nullptr;
}

const Value& Value::operator[](const Key& key) const& {
  if (const Value* found = child(key)) return *found;
  if (kind_ < Kind::list) fail("value: there is no '{}' in {}", to_string(key), to_string(*this));
  fail("value: there is no '{}' in {} {} of {}", to_string(key), kind_ == Kind::object ? "an" : "a",
       name_of(kind_), size());
}

Value& Value::operator[](const Key& key) & {
  if (kind_ == Kind::none) *this = dict();
  if (kind_ == Kind::dict && child(key) == nullptr)
    return payload_.fields->entries.emplace_back(Entry{key, {}}).value;
  return const_cast<Value&>(std::as_const(*this)[key]);
}

void Value::push_back(Value value) { items().push_back(std::move(value)); }

bool Value::erase(const Key& key) {
  expect(Kind::dict);
  return std::erase_if(payload_.fields->entries, [&](const Entry& entry) { return entry.key == key; }) != 0;
}

// One step of a path: a string key, or the int that the name spells.
const Value* Value::step(std::string_view name) const {
  if (kind_ < Kind::list) return nullptr;
  if (const Value* found = child(name)) return found;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return nullptr;
  return child(number);
}

const Value* Value::walk(std::string_view path, const Value** last, std::string_view* rest) const {
  const Value* here = this;
  for (;;) {
    *last = here;
    *rest = path;
    if (const Value* whole = here->step(path)) return whole;
    const size_t slash = path.find('/');
    if (slash == path.npos) return nullptr;
    here = here->step(path.substr(0, slash));
    if (here == nullptr) return nullptr;
    path.remove_prefix(slash + 1);
  }
}

const Value* Value::find(std::string_view path) const& {
  const Value* last = nullptr;
  std::string_view rest;
  return walk(path, &last, &rest);
}
Value* Value::find(std::string_view path) & { return const_cast<Value*>(std::as_const(*this).find(path)); }

const Value& Value::at(std::string_view path) const& {
  const Value* last = nullptr;
  std::string_view rest;
  if (const Value* found = walk(path, &last, &rest)) return *found;

  const std::string_view name = rest.substr(0, rest.find('/'));
  const std::string_view parent = path.substr(0, path.size() - rest.size());
  const std::string where =
      parent.empty() ? "" : fmt::format(" in '{}'", parent.substr(0, parent.size() - 1));
  if (last->kind_ == Kind::list || last->kind_ == Kind::tuple)
    fail("value: there is no '{}'{}, a {} of {}", name, where, name_of(last->kind_), last->size());
  if (last->kind_ < Kind::dict) fail("value: there is no '{}'{}, which is {}", name, where, to_string(*last));
  constexpr size_t kShown = 8;  // enough to see a typing mistake
  std::string keys;
  for (size_t i = 0; i < last->size() && i < kShown; ++i)
    keys += fmt::format("{}'{}'", i == 0 ? "" : ", ", to_string(last->entries()[i].key));
  if (last->size() > kShown) keys += fmt::format(" and {} more", last->size() - kShown);
  fail("value: there is no '{}'{}, which has {}", name, where, keys.empty() ? "nothing" : keys);
}
Value& Value::at(std::string_view path) & { return const_cast<Value&>(std::as_const(*this).at(path)); }

// Of temporaries; `*this` is none, so these call the ones above.

std::string Value::as_string() && { return expect(Kind::string), std::move(*payload_.text); }
std::string Value::as_bytes() && { return expect(Kind::bytes), std::move(*payload_.text); }
Tensor Value::as_tensor() && { return as_tensor(); }
std::string Value::type() && { return expect(Kind::object), std::move(payload_.fields->type); }
std::vector<Value> Value::items() && { return std::move(items()); }
Entries Value::entries() && { return std::move(entries()); }
Value Value::attributes() && { return attributes(); }
Value Value::operator[](const Key& key) && { return std::as_const(*this)[key]; }
Value Value::at(std::string_view path) && { return std::move(at(path)); }

}  // namespace kiln
