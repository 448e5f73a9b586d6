#include <kiln/tensor/value/value.h>

#include <algorithm>
#include <utility>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/key_index.h>
#include <kiln/tensor/value/state_dict.h>
#include <kiln/tensor/value/value_box.h>

namespace kiln {

using Entries = std::vector<Value::Entry>;

Value::Value(std::string_view text) : Value(std::string(text)) {}
Value::Value(std::string text) : kind_(Kind::string) { payload_.text = new Text(std::move(text)); }
Value::Value(Bytes bytes) : kind_(Kind::bytes) { payload_.text = new Text(std::move(bytes.data)); }

Value::Value(Tensor tensor) {
  if (!tensor.defined()) return;
  payload_.held = new Held(std::move(tensor));
  kind_ = Kind::tensor;
}

Value::Value(const StateDict& state) : kind_(Kind::dict) {
  Entries entries;
  entries.reserve(state.size());
  for (const auto& [name, tensor] : state) entries.push_back({name, tensor});
  payload_.fields = new Fields({}, std::move(entries));
}

Value::Value(std::initializer_list<Entry> entries) : Value(dict(Entries(entries))) {}

Value Value::list(std::vector<Value> items) {
  Value result;
  result.payload_.items = new Items(std::move(items));
  result.kind_ = Kind::list;
  return result;
}

Value Value::tuple(std::vector<Value> items) {
  Value result = list(std::move(items));
  result.kind_ = Kind::tuple;
  return result;
}

Value Value::dict() { return dict_of_different({}); }

Value Value::dict(std::vector<Entry> entries) {
  KeyIndex index;
  for (const Entry& entry : entries)
    if (index.find_or_add(entries, entry.key) != KeyIndex::kNew)
      fail("value: the key '{}' is given twice", to_string(entry.key));
  return dict_of_different(std::move(entries));
}

Value Value::dict_of_different(Entries entries) {
  Value result;
  result.payload_.fields = new Fields({}, std::move(entries));
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

// Where the attributes stand, of a kind that may have some; else null.
Value* Value::attributes_place() const {
  if (kind_ == Kind::tensor) return &payload_.held->attributes;
  if (kind_ >= Kind::dict) return &payload_.fields->attributes;
  return is_container() ? &payload_.items->attributes : nullptr;
}

// True when that is all: not for a box that may be changed under the hands of its copies.
bool Value::share(const Value& other) {
  if (other.is_boxed()) {
    if (other.payload_.box->open) return false;
    other.payload_.box->add_handle();
  }
  payload_ = other.payload_;
  kind_ = other.kind_;
  return true;
}

// Children of a container are there, but none.
void Value::copy_without_children(const Value& other) {
  const Value* attributes = other.attributes_place();
  switch (other.kind_) {
    case Kind::string:
    case Kind::bytes:
      payload_.text = new Text(other.payload_.text->text);
      break;
    case Kind::tensor:
      payload_.held = new Held(other.payload_.held->tensor);
      break;
    case Kind::list:
    case Kind::tuple:
      payload_.items = new Items(std::vector<Value>(other.payload_.items->items.size()));
      break;
    default:
      payload_.fields = new Fields(other.payload_.fields->type, {});
      payload_.fields->entries.reserve(other.size());
      for (const Entry& entry : other.entries()) payload_.fields->entries.push_back({entry.key, {}});
  }
  kind_ = other.kind_;
  // A mark for each_child.
  if (attributes != nullptr && !attributes->is_none()) *attributes_place() = false;
}

// No recursion here and below: a tree may be deeper than the stack.
Value::Value(const Value& other) {
  if (share(other)) return;
  copy_without_children(other);
  std::vector<std::pair<const Value*, Value*>> pending = {{&other, this}};
  while (!pending.empty()) {
    const auto [from, to] = pending.back();
    pending.pop_back();
    std::vector<const Value*> originals;
    from->each_child([&](const Value& child) { originals.push_back(&child); });
    size_t next = 0;
    to->each_child([&](Value& child) {
      const Value& original = *originals[next++];
      child = Value();
      if (child.share(original)) return;
      child.copy_without_children(original);
      pending.emplace_back(&original, &child);
    });
  }
}

Value::Value(Value&& other) noexcept
    : payload_(other.payload_), kind_(std::exchange(other.kind_, Kind::none)) {}

Value& Value::operator=(Value other) noexcept {
  std::swap(payload_, other.payload_);
  std::swap(kind_, other.kind_);
  return *this;
}

// A box of its own. One level: the children are shared with the other copies, as long as nobody asks for
// them.
void Value::unshare() {
  if (!is_boxed() || !payload_.box->is_shared()) return;
  Value copy;
  copy.copy_without_children(*this);
  std::vector<const Value*> originals;
  each_child([&](const Value& child) { originals.push_back(&child); });
  size_t next = 0;
  copy.each_child([&](Value& child) { child = *originals[next++]; });
  *this = std::move(copy);
}

// Before a reference is given out that can change the box at any time.
void Value::own() {
  unshare();
  if (is_boxed()) payload_.box->open = true;
}

// The last handle is gone. Frees what is flat and hands the rest on, so that a deep tree costs no stack.
void Value::free(std::vector<Value>& pending) {
  each_child([&](Value& child) {
    const Value* attributes = child.attributes_place();
    if (child.is_container() || (attributes != nullptr && !attributes->is_none()))
      pending.push_back(std::move(child));
  });
  if (kind_ < Kind::tensor)
    delete payload_.text;
  else if (kind_ == Kind::tensor)
    delete payload_.held;
  else if (kind_ < Kind::dict)
    delete payload_.items;
  else
    delete payload_.fields;
  kind_ = Kind::none;
}

Value::~Value() {
  if (!is_boxed() || !payload_.box->drop_handle()) return;
  std::vector<Value> pending;
  free(pending);
  while (!pending.empty()) {
    Value next = std::move(pending.back());
    pending.pop_back();
    if (next.payload_.box->drop_handle()) next.free(pending);
    next.kind_ = Kind::none;
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
const std::string& Value::as_string() const& { return expect(Kind::string), payload_.text->text; }
const std::string& Value::as_bytes() const& { return expect(Kind::bytes), payload_.text->text; }
const Tensor& Value::as_tensor() const& { return expect(Kind::tensor), payload_.held->tensor; }
const std::string& Value::type() const& { return expect(Kind::object), payload_.fields->type; }

const std::vector<Value>& Value::items() const& {
  if (kind_ != Kind::tuple) expect(Kind::list);
  return payload_.items->items;
}
std::vector<Value>& Value::items() & {
  if (kind_ != Kind::tuple) expect(Kind::list);
  return own(), payload_.items->items;
}
const Entries& Value::entries() const& {
  if (kind_ != Kind::object) expect(Kind::dict);
  return payload_.fields->entries;
}
Entries& Value::entries() & {
  if (kind_ != Kind::object) expect(Kind::dict);
  return own(), payload_.fields->entries;
}

const Value& Value::attributes() const& {
  const Value* attributes = attributes_place();
  if (attributes == nullptr) expect(Kind::dict);
  return *attributes;
}
void Value::set_attributes(Value attributes) {
  if (attributes_place() == nullptr) expect(Kind::dict);
  if (!attributes.is_none() && !attributes.is_object()) attributes.expect(Kind::dict);
  unshare();
  *attributes_place() = std::move(attributes);
}

size_t Value::size() const { return kind_ >= Kind::dict ? entries().size() : items().size(); }

std::vector<const Tensor*> Value::tensors() const& {
  std::vector<const Tensor*> found;
  std::vector<const Value*> pending = {this};
  while (!pending.empty()) {
    const Value& next = *pending.back();
    pending.pop_back();
    const size_t first = pending.size();
    if (next.is_tensor()) found.push_back(&next.payload_.held->tensor);
    if (next.is_list() || next.is_tuple())
      for (const Value& item : next.items()) pending.push_back(&item);
    if (next.kind_ >= Kind::dict)
      for (const Entry& entry : next.entries()) {
        if (entry.key.value_.is_boxed()) pending.push_back(&entry.key.value_);
        pending.push_back(&entry.value);
      }
    const Value* attributes = next.attributes_place();
    if (attributes != nullptr && !attributes->is_none()) pending.push_back(attributes);
    std::reverse(pending.begin() + std::ptrdiff_t(first), pending.end());
  }
  return found;
}
std::vector<Tensor*> Value::tensors() & {
  std::vector<Value*> pending = {this};
  while (!pending.empty()) {
    Value& next = *pending.back();
    pending.pop_back();
    next.own();
    next.each_child([&](Value& child) { pending.push_back(&child); });
    if (next.kind_ >= Kind::dict)
      for (Entry& entry : next.payload_.fields->entries) pending.push_back(&entry.key.value_);
  }
  std::vector<Tensor*> found;
  for (const Tensor* tensor : std::as_const(*this).tensors()) found.push_back(const_cast<Tensor*>(tensor));
  return found;
}

// Of temporaries: what nobody else has is handed over.

std::string Value::as_string() && {
  expect(Kind::string);
  return payload_.text->is_shared() ? payload_.text->text : std::move(payload_.text->text);
}
std::string Value::as_bytes() && {
  expect(Kind::bytes);
  return payload_.text->is_shared() ? payload_.text->text : std::move(payload_.text->text);
}
Tensor Value::as_tensor() && { return as_tensor(); }
std::string Value::type() && { return std::as_const(*this).type(); }
std::vector<Value> Value::items() && { return std::move(items()); }
Entries Value::entries() && { return std::move(entries()); }
Value Value::attributes() && { return std::as_const(*this).attributes(); }

}  // namespace kiln
